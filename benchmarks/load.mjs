// One run of autocannon with files as bodies: options as JSON in the first argument, its result as JSON on stdout.
// With a rate, its latencies are counted from when a request should have been sent (no coordinated omission).
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { packages, files, headers, ...options } = JSON.parse(process.argv[2]);
const autocannon = createRequire(packages + "/")("autocannon");
const requests = files.map((file) => ({ method: "POST", body: readFileSync(file), headers }));
console.log(JSON.stringify(await autocannon({ ...options, requests })));
