"""CONTRACT: the bytes of a packed bundle, a `.albert` file. `directory.py` reads them; `albert_converters` writes them.

It is a ZIP archive (APPNOTE.TXT 6.3.10 of PKWARE) of the plainest kind: every entry is stored as it is (method 0), the
entries follow each other without gaps from byte 0, manifest.json is the first of them, and the directory and its end
record follow the last one. There is no encryption, no data descriptor, no comment and no ZIP64. Names are those of the
folder, in UTF-8.

The data of an entry start at a multiple of 64 bytes, those of the model at a multiple of 16,384, which is a page of any
device, so that the model can be mapped into memory. The bytes in front of them are an extra field of the local header
with the id 0xD935, as `zipalign` of Android writes it: the alignment, and zeros.
"""

from __future__ import annotations

import struct

#: the file that describes a bundle, packed or not
MANIFEST_FILE = "manifest.json"
#: the ending of a packed bundle's name
PACKED_SUFFIX = ".albert"

FILE_ALIGNMENT = 64
MODEL_ALIGNMENT = 16_384

#: signature, version, flags, method, time, date, CRC-32, stored size, size, bytes of the name, bytes of the extra field
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
#: signature, version of the writer, then as in the local header up to the extra field, bytes of the comment, number of
#: the disk, internal and external attributes, place of the local header
DIRECTORY_RECORD = struct.Struct("<4s6H3L5H2L")
DIRECTORY_SIGNATURE = b"PK\x01\x02"
#: signature, number of this disk and of the directory's, entries on this disk and in all, bytes of the directory, its
#: place, bytes of the comment
END_RECORD = struct.Struct("<4s4H2LH")
END_SIGNATURE = b"PK\x05\x06"
#: the header of the extra field that moves the data to a multiple of the alignment, which it states
PADDING = struct.Struct("<3H")
PADDING_ID = 0xD935

#: the version of the format that a reader must know: 1.0, since nothing is compressed
VERSION = 10
#: names are UTF-8
UTF8_FLAG = 0x800
ENCRYPTED_FLAG = 0x1
DESCRIPTOR_FLAG = 0x8
STORED = 0
#: 1980-01-01, the first day of ZIP, so that the same folder always gives the same bytes
TIME, DATE = 0, 0x21
#: sizes, places and numbers of entries from these on would need ZIP64
LARGEST_SIZE = 0xFFFFFFFE
LARGEST_COUNT = 0xFFFE
