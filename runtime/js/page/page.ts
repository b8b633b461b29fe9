/** The page: loads the model in a worker, shows the form of its task, and an answer whenever the input changes. */

import { Client } from "./client";
import { byId, element, megabytes } from "./dom";
import { lacksMemory, obstacle } from "./environment";
import { messageOf } from "./messages";
import { registerServiceWorker } from "./offline";
import type { Call, Facts, Site } from "./site";
import { VIEWS } from "./tasks/index";
import type { View } from "./tasks/view";

/** milliseconds without a key press before an answer is computed */
const PAUSE = 250;

/** the address of the list of files, with its hash */
const listing = document.documentElement.dataset.site ?? "";

/** Shows what keeps the page from working; a line that is a command is shown as one. */
function fail(message: string): void {
	const [said, ...commands] = message.split("\n");
	byId("loading").hidden = true;
	byId("work").hidden = true;
	const problem = byId("problem");
	problem.replaceChildren(
		element("h2", {}, "This does not work yet"),
		element("p", {}, said ?? ""),
		...commands.map((line) => element("pre", {}, element("code", {}, line))),
	);
	problem.hidden = false;
}

async function readSite(): Promise<Site> {
	const response = await fetch(listing).catch(() => undefined);
	if (!response?.ok) {
		throw new Error("albert-site.json is missing; copy the site's folder to the server again");
	}
	const site = (await response.json().catch(() => undefined)) as Site | undefined;
	if (site?.format !== "albert-site") {
		throw new Error("albert-site.json is damaged; copy the site's folder to the server again");
	}
	return site;
}

class Page {
	private view: View | undefined;
	private facts: Facts | undefined;
	private timer = 0;
	private answers = 0;
	private readonly client: Client;

	constructor(private readonly site: Site) {
		this.client = new Client(site, {
			progress: (loaded, total) => this.progress(loaded, total),
			starting: () => this.say("loading-text", "Starting the model …"),
			ready: (facts) => this.ready(facts),
			failed: (message) => fail(this.explained(message)),
			answer: (call, answer, milliseconds, notes) => this.answer(call, answer, milliseconds, notes),
			refused: (_call, message) => this.hint(this.explained(message)),
		});
	}

	private progress(loaded: number, total: number): void {
		const bar = byId("loading-bar") as HTMLProgressElement;
		bar.max = total;
		bar.value = loaded;
		this.say("loading-text", `Loading the model: ${megabytes(loaded)} of ${megabytes(total)}`);
	}

	private ready(facts: Facts): void {
		this.facts = facts;
		const make = VIEWS[this.site.task];
		if (!make) {
			fail(`This page can't show the task ${this.site.task}; make it again with a newer albert-export.`);
			return;
		}
		this.view = make(facts, () => this.changed(0));
		byId("fields").replaceChildren(...this.view.fields);
		this.listExamples();
		byId("form").addEventListener("input", () => this.changed(PAUSE));
		byId("form").addEventListener("submit", (event) => {
			event.preventDefault();
			this.changed(0);
		});
		byId("form").addEventListener("keydown", (event) => {
			if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
				event.preventDefault();
				this.changed(0);
			}
		});
		byId("loading").hidden = true;
		byId("work").hidden = false;
		const threads = facts.threads === 1 ? "1 thread" : `${facts.threads} threads`;
		byId("facts").textContent = `${this.site.precision}, ready in ${seconds(facts.milliseconds)}, ${threads}`;
		this.view.fill(this.site.examples[0] ?? {});
		this.changed(0);
		void this.tellOffline();
	}

	private listExamples(): void {
		const buttons = this.site.examples.map((call, index) => {
			const button = element("button", { type: "button", class: "chip" }, `${index + 1}. ${summary(call)}`);
			button.addEventListener("click", () => {
				this.view?.fill(call);
				this.changed(0);
			});
			return element("li", {}, button);
		});
		byId("example-list").replaceChildren(...buttons);
		byId("examples").hidden = buttons.length < 2;
	}

	private async tellOffline(): Promise<void> {
		const problem = await registerServiceWorker();
		const stored = this.facts?.stored === true ? "" : String(this.facts?.stored);
		const reason = problem || stored;
		byId("offline").textContent = reason
			? `Works only while the server can be reached: ${reason}.`
			: "Stored in this browser: works without a connection from now on.";
		byId("offline").dataset.state = reason ? "online-only" : "stored";
	}

	/** Something was typed: ask again after a pause. */
	private changed(pause: number): void {
		window.clearTimeout(this.timer);
		this.timer = window.setTimeout(() => {
			const call = this.view?.read();
			if (typeof call === "object") {
				byId("result").setAttribute("aria-busy", "true");
				this.client.ask(call);
			} else if (call) {
				this.client.cancel();
				this.hint(call);
			}
		}, pause);
	}

	private answer(call: Call, answer: unknown, milliseconds: number, notes: string[]): void {
		const shown = this.view?.show(answer, call);
		if (!shown) {
			return;
		}
		byId("result").setAttribute("aria-busy", "false");
		byId("result-body").replaceChildren(
			...shown.elements,
			...notes.map((note) => element("p", { class: "hint note" }, `Note: ${note}`)),
		);
		const time = milliseconds < 10 ? milliseconds.toFixed(1) : String(Math.round(milliseconds));
		byId("latency").textContent = `${time} ms`;
		byId("result").dataset.answers = String(++this.answers); // for tests, which wait for the next answer
		this.say("announcement", shown.sentence);
	}

	private hint(message: string): void {
		byId("result").setAttribute("aria-busy", "false");
		byId("result-body").replaceChildren(element("p", { class: "hint" }, message));
		byId("latency").textContent = "";
		this.say("announcement", message);
	}

	private explained(message: string): string {
		if (!lacksMemory(message)) {
			return message;
		}
		const need = megabytes(this.site.bundleFiles.reduce((sum, file) => sum + file.bytes, this.site.wasm.bytes));
		return (
			`This device has too little memory for the model (files of ${need}, and several times that while it runs). ` +
			"Close other tabs and load the page again, or make it from a smaller bundle: int8, or int4. " +
			`The browser says: ${message}`
		);
	}

	private say(id: string, text: string): void {
		byId(id).textContent = text;
	}
}

/** A request in a few words, for the button of an example. */
function summary(call: Call): string {
	const text = call.question ?? call.text ?? call.prompt ?? call.first ?? call.texts?.[0] ?? "";
	const cut = text.slice(0, 42);
	return text.length <= 44 ? text : `${cut.includes(" ") ? cut.replace(/\s+\S*$/, "") : cut} …`;
}

function seconds(milliseconds: number): string {
	return `${(milliseconds / 1000).toFixed(1)} s`;
}

async function start(): Promise<void> {
	byId("start-help").hidden = true;
	const problem = obstacle();
	if (problem) {
		fail(problem);
		return;
	}
	byId("loading").hidden = false;
	try {
		new Page(await readSite());
	} catch (error) {
		fail(messageOf(error));
	}
}

void start();
