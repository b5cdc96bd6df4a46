// Salesforce's own tooling (npm @salesforce/source-deploy-retrieve over @salesforce/core) deploys an app from its source tree,
// deletes it in the ways that "sf project deploy" and "sf project delete source" do, and tells what it understood.
//
// Argument 1 is JSON: {proxy, instanceUrl, token, source, home, version}. Each deploy is a line {"step": name, "saw": value}.
import fs from 'node:fs';
import path from 'node:path';

const settings = JSON.parse(process.argv[2]);
Object.assign(process.env, {
  HOME: settings.home, SF_DISABLE_LOG_FILE: 'true', SF_DISABLE_TELEMETRY: 'true', SFDX_DISABLE_DNS_CHECK: 'true',
  HTTPS_PROXY: settings.proxy, https_proxy: settings.proxy,
});
const { AuthInfo, Connection } = await import('@salesforce/core');
const { Duration } = await import('@salesforce/kit');
const { ComponentSet, DestructiveChangesType } = (await import('@salesforce/source-deploy-retrieve')).default;

const connection = await Connection.create({
  authInfo: await AuthInfo.create({ accessTokenOptions: { accessToken: settings.token, instanceUrl: settings.instanceUrl } }),
  connectionOptions: { httpProxy: settings.proxy, version: settings.version },
});

async function deploy(step, set, apiOptions = {}) {
  set.apiVersion = settings.version;
  set.sourceApiVersion = settings.version;
  const operation = await set.deploy({ usernameOrConnection: connection, apiOptions });
  const result = await operation.pollStatus({ frequency: Duration.milliseconds(20), timeout: Duration.seconds(60) });
  const files = result.getFileResponses().map((r) => `${r.type} ${r.fullName} ${r.state}${r.error ? `: ${r.error}` : ''}`);
  const messages = [result.response.details.componentSuccesses, result.response.details.componentFailures].flat()
    .filter((m) => m?.problem).map((m) => `${m.problemType} ${m.problem}`);
  console.log(JSON.stringify({ step, saw: { status: result.response.status, files: files.sort(), messages: messages.sort() } }));
}

const all = () => ComponentSet.fromSource(settings.source);
// The set of a deletion, as "sf project delete source" makes it: the components of the tree, nothing to add.
function deletion() {
  const set = new ComponentSet();
  for (const component of all().getSourceComponents()) set.add(component, DestructiveChangesType.POST);
  return set;
}
// The set of "sf project deploy start --pre-destructive-changes": the tree, and a manifest of deletions that names all of it.
async function replacement() {
  const manifest = path.join(settings.home, 'manifest.xml');
  fs.writeFileSync(manifest, await all().getPackageXml());
  return ComponentSet.fromManifest({ manifestPath: manifest, resolveSourcePaths: [settings.source], destructivePre: manifest });
}

await deploy('added', all());
await deploy('replaced', await replacement());
await deploy('deleted', deletion());
await deploy('deletedAgain', deletion());
await deploy('deletedAgainIgnoringWarnings', deletion(), { ignoreWarnings: true });
process.exit(0);
