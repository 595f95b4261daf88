// `npm run schemas`: what vaults, bundles and documents must be like, as code. See docs/adr/0016.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import addFormats from 'ajv-formats';

const names = ['vault', 'bundle', 'document'];
// Our own schemas: a test checks them.
const ajv = new Ajv2020({ allErrors: false, strict: true, allowUnionTypes: true, meta: false, validateSchema: false, code: { source: true, esm: true, lines: true } });
addFormats.default(ajv);
for (const name of names) ajv.addSchema(JSON.parse(readFileSync(new URL(`../../schemas/${name}.json`, import.meta.url), 'utf8')), name);
process.stdout.write(`// @ts-nocheck
// Generated from schemas/ by npm run schemas: not to be changed by hand.
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
${standalone.default(ajv, Object.fromEntries(names.map((name) => [name, name])))}
`);
