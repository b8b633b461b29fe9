/** The page's side of the worker: one request runs at a time, and newer input takes the place of older. */

import { addressOf, type Call, type Facts, type Reply, type Request, type Site } from "./site";

export interface Listener {
	progress(loaded: number, total: number): void;
	starting(): void;
	ready(facts: Facts): void;
	failed(message: string): void;
	answer(call: Call, answer: unknown, milliseconds: number, notes: string[]): void;
	refused(call: Call, message: string): void;
}

export class Client {
	private readonly worker: Worker;
	private next = 0;
	private running: { id: number; call: Call; wanted: boolean } | undefined;
	private waiting: Call | undefined;

	constructor(
		site: Site,
		private readonly listener: Listener,
	) {
		this.worker = new Worker(addressOf(site.worker, document.baseURI), { type: "module" });
		this.worker.addEventListener("message", (event: MessageEvent<Reply>) => this.received(event.data));
		this.worker.addEventListener("error", (event) => {
			// A worker whose script can't be loaded gives an event without a message.
			listener.failed(event.message || "worker.js can't be loaded; copy the site's folder to the server again");
		});
		this.send({ type: "load", site, base: new URL("./", location.href).href });
	}

	/** Ask for an answer. A request that still runs is cancelled, and one that waits is forgotten. */
	ask(call: Call): void {
		this.cancel();
		this.waiting = call;
		if (!this.running) {
			this.start();
		}
	}

	/** Forget everything that was asked. */
	cancel(): void {
		this.waiting = undefined;
		if (this.running?.wanted) {
			this.running.wanted = false;
			this.send({ type: "cancel", id: this.running.id });
		}
	}

	private start(): void {
		const call = this.waiting;
		this.waiting = undefined;
		this.running = call && { id: this.next++, call, wanted: true };
		if (this.running) {
			this.send({ type: "ask", id: this.running.id, call: this.running.call });
		}
	}

	private received(reply: Reply): void {
		switch (reply.type) {
			case "progress":
				this.listener.progress(reply.loaded, reply.total);
				return;
			case "starting":
				this.listener.starting();
				return;
			case "ready":
				this.listener.ready(reply.facts);
				return;
			case "failed":
				this.listener.failed(reply.message);
				return;
		}
		const done = this.running;
		if (!done || done.id !== reply.id) {
			return;
		}
		this.start();
		if (done.wanted && reply.type === "answer") {
			this.listener.answer(done.call, reply.answer, reply.milliseconds, reply.notes);
		} else if (done.wanted && reply.type === "refused") {
			this.listener.refused(done.call, reply.message);
		}
	}

	private send(request: Request): void {
		this.worker.postMessage(request);
	}
}
