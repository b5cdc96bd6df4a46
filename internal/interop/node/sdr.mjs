// Salesforce's own tooling (npm @salesforce/source-deploy-retrieve) resolves a source tree and converts it to a metadata
// package and back, and turns a package's zip into a source tree.
//
// Argument 1 is a JSON array of {source, zip, out, version}: a folder, a file, an empty folder, an API version. It prints a
// JSON array of what it resolved, {tree, zip}, each a list of {type, fullName, file}. In out it leaves the folders package
// (of the tree), back (of that package) and source (of the zip).
import fs from 'node:fs';
import path from 'node:path';
import sdr from '@salesforce/source-deploy-retrieve';

const { ComponentSet, MetadataConverter, MetadataResolver, RegistryAccess, ZipTreeContainer } = sdr;
const converter = new MetadataConverter();

async function inside(buffer) {
  const tree = await ZipTreeContainer.create(buffer);
  return new MetadataResolver(new RegistryAccess(), tree).getComponentsFromPath('.');
}

const listed = (components, root) => [...components].map((c) => ({
  type: c.type.name, fullName: c.fullName, file: path.relative(root, c.xml).split(path.sep).join('/'),
}));

async function job({ source, zip, out, version }) {
  const write = (components, form, packageName) =>
    converter.convert(components, form, { type: 'directory', outputDirectory: out, packageName, genUniqueDir: false });
  const tree = ComponentSet.fromSource(source);
  tree.sourceApiVersion = version;
  await write(tree, 'metadata', 'package');
  const packed = await converter.convert(tree, 'metadata', { type: 'zip' });
  await write(await inside(packed.zipBuffer), 'source', 'back');

  const ours = await inside(fs.readFileSync(zip));
  await write(ours, 'source', 'source');
  return { tree: listed(tree.getSourceComponents(), source), zip: listed(ours, '.') };
}

const results = [];
for (const one of JSON.parse(process.argv[2])) results.push(await job(one));
console.log(JSON.stringify(results));
