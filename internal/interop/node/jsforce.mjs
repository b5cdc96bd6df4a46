// A Salesforce client that others wrote (npm jsforce) deploys an app, reads it back and lives through one connection's
// life with it.
//
// Argument 1 is JSON: {proxy, loginUrl, adminToken, zip, types, app, redirectURI, version}. What only a person can do is
// asked of the parent: {"ask": what, "with": value} on standard output, one JSON line back on standard input. Each finished
// step is a line {"step": name, "saw": value}; what goes wrong elsewhere ends the process with a message and status 1.
import readline from 'node:readline';
import jsforce from 'jsforce';

const settings = JSON.parse(process.argv[2]);
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function step(name, saw) {
  console.log(JSON.stringify({ step: name, saw }));
}

async function ask(what, value) {
  console.log(JSON.stringify({ ask: what, with: value }));
  const { value: line, done } = await lines.next();
  if (done) throw new Error(`nobody answers ${what}`);
  return JSON.parse(line);
}

// The name and message of the error that the call must end in.
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return { name: error.name, message: error.message };
  }
  throw new Error('accepted what must be refused');
}

const admin = new jsforce.Connection({
  instanceUrl: settings.loginUrl,
  accessToken: settings.adminToken,
  version: settings.version,
  httpProxy: settings.proxy,
});
admin.metadata.pollInterval = 20;
const deployed = await admin.metadata.deploy(settings.zip, { singlePackage: true, rollbackOnError: true }).complete(true);
step('deploy', { status: deployed.status, done: deployed.numberComponentsDeployed, failed: deployed.numberComponentErrors });

const types = [];
for (const name of settings.types.split(' ')) {
  const found = [await admin.metadata.list([{ type: name }], settings.version)].flat();
  types.push({ name, members: found.map((c) => c.fullName) });
}
const retrieved = await admin.metadata.retrieve({
  apiVersion: settings.version, singlePackage: true, unpackaged: { types, version: settings.version },
}).complete();
step('retrieve', { status: retrieved.status, zip: retrieved.zipFile });

const { key, secret } = await ask('credentials', settings.app);
const oauth2 = new jsforce.OAuth2({
  loginUrl: settings.loginUrl,
  clientId: key,
  clientSecret: secret,
  redirectUri: settings.redirectURI,
  httpProxy: settings.proxy,
  useVerifier: true,
});
const state = 'a state with a blank & signs=';
const link = oauth2.getAuthorizationUrl({ scope: 'id api web refresh_token', state });
const callback = new URL(await ask('approve', link));
step('authorize', { state: callback.searchParams.get('state') === state, landed: callback.origin + callback.pathname });

const conn = new jsforce.Connection({ oauth2, version: settings.version, httpProxy: settings.proxy });
let refreshes = 0;
conn.on('refresh', () => { refreshes += 1; });
const code = callback.searchParams.get('code');
const user = await conn.authorize(code);
step('token', {
  verifier: oauth2.codeVerifier.length, org: user.organizationId, user: user.id,
  instance: conn.instanceUrl, refreshToken: Boolean(conn.refreshToken),
});

const identity = await conn.identity();
step('identity', { org: identity.organization_id, user: identity.user_id, username: identity.username });

const query = 'SELECT Id, Name FROM Organization';
const rows = async () => (await conn.query(query)).records.map((r) => r.Id);
step('query', { rows: await rows(), refreshes });

const found = await conn.sobject('Thing__c')
  .find({ Name: { $like: "it's %" }, 'Parent__r.Name': 'P', Size__c: { $lt: 12.5 }, Kind__c: { $in: ['a', 'b'] } }, 'Id, Name, Parent__r.Name')
  .sort({ Size__c: -1 }).limit(5);
const every = await conn.query('select Id from thing__c', { autoFetch: true, maxFetch: 10000 });
const tooling = await conn.tooling.query('SELECT Name FROM ApexClass');
step('records', {
  found: found.map((r) => `${r.Name} of ${r.Parent__r.Name}`), every: new Set(every.records.map((r) => r.Id)).size,
  counted: (await conn.query('SELECT COUNT() FROM Thing__c WHERE Parent__r.Name = null')).totalSize,
  tooling: tooling.records.map((r) => r.Name), limited: conn.limitInfo.apiUsage.limit, used: conn.limitInfo.apiUsage.used > 0,
});

await ask('expire');
step('queryAfterEnd', { rows: await rows(), refreshes });

await ask('expire');
const read = await conn.metadata.read('ExternalClientApplication', settings.app);
step('soapAfterEnd', { rows: [read].flat().map((r) => r.fullName), refreshes });

const forged = new jsforce.OAuth2({
  loginUrl: settings.loginUrl,
  clientId: key,
  clientSecret: 'wrong',
  redirectUri: settings.redirectURI,
  httpProxy: settings.proxy,
});
step('wrongSecret', await refusal(forged.refreshToken(conn.refreshToken)));
step('codeAgain', await refusal(oauth2.requestToken(code)));

// The second use of a code may have ended its grant; what follows needs one that lives.
const again = new URL(await ask('approve', oauth2.getAuthorizationUrl({ scope: 'id api web refresh_token', state })));
await conn.authorize(again.searchParams.get('code'));
const token = conn.refreshToken;
await conn.logoutByOAuth2(true);
step('refreshAfterRevoke', await refusal(oauth2.refreshToken(token)));
step('revokeOfUnknown', await refusal(oauth2.revokeToken('unknown')));
process.exit(0);
