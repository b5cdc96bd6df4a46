// Judges SARIF logs by the schema that Microsoft ships for testing them (npm @microsoft/jest-sarif): standard input is a
// JSON array of logs, standard output one of lists of errors.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv';

const require = createRequire(import.meta.url);
const ajv = new Ajv({ schemaId: 'id', meta: false, allErrors: true, unknownFormats: [] });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
ajv._opts.defaultMeta = 'http://json-schema.org/draft-04/schema#';
const validate = ajv.compile(require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'));

const logs = JSON.parse(fs.readFileSync(0, 'utf8'));
console.log(JSON.stringify(logs.map((log) => (validate(log) ? [] : validate.errors.map((e) => `${e.dataPath} ${e.message}`)))));
