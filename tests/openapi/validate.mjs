// SPDX-License-Identifier: Apache-2.0
// validate.mjs FILE: holds an OpenAPI document against the specification's own schema, with somebody
// else's validator. Prints what is wrong; exit code 1 then.
import fs from "node:fs";
import {Validator} from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const result = await validator.validate(JSON.parse(fs.readFileSync(process.argv[2], "utf8")));
if (!result.valid) {
	console.log(JSON.stringify(result.errors, null, 1));
	process.exit(1);
}
console.log(`valid OpenAPI ${validator.version}`);
