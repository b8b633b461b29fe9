/** The warnings of one session, each of which is given once. The twin of `once_warnings.py`. */
export class OnceWarnings {
	private readonly said = new Set<string>();
	private isMuted = false;

	/** Warn, unless `subject` has been warned of before. */
	log(subject: string, message: string): void {
		if (this.isMuted || this.said.has(subject)) return;
		this.said.add(subject);
		console.warn(`albert-runtime: ${message}`);
	}

	/** While `work` runs, nothing is said, and nothing counts as said: the requests are not the user's. */
	async muted(work: () => Promise<void>): Promise<void> {
		this.isMuted = true;
		try {
			await work();
		} finally {
			this.isMuted = false;
		}
	}
}
