// SPDX-License-Identifier: Apache-2.0
// The runner's peer in JavaScript: the runtime's own binding, used as well as its API allows. One float
// input and one float output of fixed shape, made once and handed in at each run, so that nothing is
// allocated but what the binding allocates; then clock, run, clock into an array. The same arguments,
// defaults and output as bare_ort.c:
//
//	node ort_node.js PACKAGES MODEL INPUT OUTPUT RUNS WARMUP IN_DIMS OUT_DIMS
//
// PACKAGES: what etc/build/fetch-ort-node.sh prints. One thread, all optimisations.
'use strict';
const path = require('node:path');

function tensor(ort, dims) {
	const shape = dims.split(',').map(Number);
	const data = new Float32Array(shape.reduce((a, b) => a * b, 1));

	for (let i = 0; i < data.length; i++)
		data[i] = (i % 17) * 0.1 - 0.8;
	return new ort.Tensor('float32', data, shape);
}

async function measure(session, feeds, fetches, runs, warmup) {
	const ns = new BigInt64Array(runs);

	for (let i = 0; i < warmup; i++)
		await session.run(feeds, fetches);
	let start = process.hrtime.bigint();
	for (let i = 0; i < runs; i++) {
		await session.run(feeds, fetches);
		const end = process.hrtime.bigint();

		ns[i] = end - start;
		start = end;
	}
	return ns.sort();
}

async function main([packages, model, input, output, runs, warmup, inDims, outDims]) {
	const ort = require(path.join(packages, 'node_modules', 'onnxruntime-node'));
	const session = await ort.InferenceSession.create(model, {
		graphOptimizationLevel: 'all',
		intraOpNumThreads: 1,
		interOpNumThreads: 1,
	});
	const ns = await measure(session, {[input]: tensor(ort, inDims)}, {[output]: tensor(ort, outDims)},
		Number(runs), Number(warmup));

	for (const p of [50, 90, 99])
		console.log(`p${p}_ns ${ns[Math.ceil(ns.length * p / 100) - 1]}`);
}

if (process.argv.length !== 10) {
	console.error('usage: node ort_node.js PACKAGES MODEL INPUT OUTPUT RUNS WARMUP IN_DIMS OUT_DIMS');
	process.exit(2);
}
main(process.argv.slice(2)).catch((e) => {
	console.error(String(e));
	process.exit(1);
});
