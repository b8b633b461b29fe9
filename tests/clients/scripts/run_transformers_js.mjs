// Opens the graphs of a repository with transformers.js: the outputs of each, and what AutoTokenizer makes of texts.
import { readFileSync } from "node:fs";
import * as transformers from "@huggingface/transformers";

const { AutoTokenizer, Tensor, env } = transformers;
env.allowRemoteModels = false;
env.allowLocalModels = true;

const request = JSON.parse(readFileSync(0, "utf8"));
env.localModelPath = request.root;
const folders = [];
for (const folder of request.folders) {
	const tokenizer = await AutoTokenizer.from_pretrained(folder.name);
	const graphs = [];
	for (const [dtype, runs] of Object.entries(folder.graphs)) {
		const model = await transformers[folder.class].from_pretrained(folder.name, { dtype });
		const outputs = [];
		for (const inputs of runs) {
			const tensors = Object.fromEntries(
				Object.entries(inputs).map(([name, one]) => [
					name,
					new Tensor("int64", BigInt64Array.from(one.data, BigInt), one.shape),
				]),
			);
			const given = await model(tensors);
			outputs.push(
				Object.fromEntries(
					Object.entries(given)
						.filter(([, value]) => value?.dims)
						.map(([name, value]) => [name, { type: "float32", shape: value.dims, data: Array.from(value.data) }]),
				),
			);
		}
		graphs.push(outputs);
		await model.dispose();
	}
	const encoded = folder.texts.map(([text, pair]) => {
		const made = tokenizer(text, { text_pair: pair });
		return Object.fromEntries(Object.entries(made).map(([name, value]) => [name, Array.from(value.data, Number)]));
	});
	folders.push({ graphs, encoded });
}
console.log(JSON.stringify({ version: env.version, folders }));
