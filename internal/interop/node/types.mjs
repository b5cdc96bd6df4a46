// Prints the types of Salesforce's metadata as Salesforce publishes them (npm @salesforce/types), as one line of JSON:
// {types: {name: [{name, type, many, optional}]}, enums: {name: [value]}}.
import fs from 'node:fs';

const text = fs.readFileSync(new URL('node_modules/@salesforce/types/lib/metadata.d.ts', import.meta.url), 'utf8');

const types = {};
for (const [, name, body] of text.matchAll(/^export type (\w+) = (?:Metadata & )?\{\n([^]*?)^\};/gm)) {
  types[name] = [...body.matchAll(/^\s+(\w+)(\??): (\w+)((?:\[\])?);/gm)].map(([, field, optional, type, many]) => ({
    name: field, type, many: many !== '', optional: optional !== '',
  }));
}
const enums = {};
for (const [, name, values] of text.matchAll(/^export type (\w+) = ('[^\n]*);$/gm)) {
  enums[name] = values.split(' | ').map((value) => value.replaceAll("'", ''));
}
console.log(JSON.stringify({ types, enums }));
