"""The boards whose processors are emulated, and what /proc/cpuinfo says on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Board:
    """A board with a 64-bit ARM processor."""

    name: str
    #: QEMU's name of its processor
    cpu: str
    #: the number of the processor's kind in /proc/cpuinfo
    part: str
    #: the features in /proc/cpuinfo that engines choose their kernels by
    features: str

    @property
    def cpuinfo(self) -> str:
        """The content of /proc/cpuinfo. Without it, ONNX Runtime ends with a segmentation fault."""
        core = (
            "processor\t: {}\nBogoMIPS\t: 108.00\nFeatures\t: " + self.features + "\nCPU implementer\t: 0x41\n"
            "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: " + self.part + "\nCPU revision\t: 3\n\n"
        )
        return "".join(core.format(number) for number in range(4)) + f"Model\t\t: {self.name}\n"


BOARDS = (
    Board("Raspberry Pi 4 Model B", "cortex-a72", "0xd08", "fp asimd evtstrm crc32 cpuid"),
    # Its dot products of 8-bit integers make engines take other int8 kernels than those of the Raspberry Pi 4.
    Board(
        "Raspberry Pi 5",
        "cortex-a76",
        "0xd0b",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    ),
)
