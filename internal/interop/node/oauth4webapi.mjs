// A strict OAuth client that others wrote (npm oauth4webapi) lives through one connection's life with an org: it discovers,
// authorizes, verifies the id_token and its signature, reads userinfo, refreshes, introspects and revokes.
//
// Argument 1 is JSON: {address, issuer, clientID, clientSecret, redirectURI}; the org answers at the address, under its own names.
// What only a person can do is asked of the parent: {"ask": what, "with": value} on standard output, one JSON line back on standard
// input. Each finished step is a line {"step": name, "saw": value}; what goes wrong elsewhere ends the process with status 1.
import https from 'node:https';
import readline from 'node:readline';
import * as oauth from 'oauth4webapi';

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

// The code of the error that the call must end in.
async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error.error ?? error.code ?? error.message;
  }
  throw new Error('accepted what must be refused');
}

// A fetch that finds the org at its address; TLS is verified for the name that was asked for.
function reach(input, init) {
  const url = new URL(input);
  const [host, port] = settings.address.split(':');
  const body = init.body === undefined || init.body === null ? '' : String(init.body);
  const headers = { ...Object.fromEntries(new Headers(init.headers)), host: url.host };
  if (body) headers['content-length'] = Buffer.byteLength(body);
  return new Promise((resolve, reject) => {
    const request = https.request({ host, port, servername: url.hostname, method: init.method, path: url.pathname + url.search, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const content = Buffer.concat(parts);
        const bare = [204, 304].includes(answer.statusCode) || content.length === 0;
        resolve(new Response(bare ? null : content, { status: answer.statusCode, headers: Object.entries(answer.headers).map(([k, v]) => [k, String(v)]) }));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const over = { [oauth.customFetch]: reach };
const issuer = new URL(settings.issuer);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, over));
step('discovery', { issuer: as.issuer, token: as.token_endpoint });

const client = { client_id: settings.clientID };
const proof = oauth.ClientSecretPost(settings.clientSecret);

async function login() {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const link = new URL(as.authorization_endpoint);
  link.search = new URLSearchParams({
    client_id: client.client_id, redirect_uri: settings.redirectURI, response_type: 'code', scope: 'openid id api refresh_token',
    state, nonce, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  }).toString();
  const landed = new URL(await ask('approve', link.href));
  return { verifier, nonce, answer: oauth.validateAuthResponse(as, client, landed, state) };
}

const exchange = ({ answer, verifier }, by = proof) => oauth.authorizationCodeGrantRequest(as, client, by, answer, settings.redirectURI, verifier, over);
const first = await login();
const response = await exchange(first);
const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: first.nonce, requireIdToken: true });
await oauth.validateApplicationLevelSignature(as, response, over);
const claims = oauth.getValidatedIdTokenClaims(tokens);
step('token', { subject: claims.sub, id: tokens.id, type: tokens.token_type, refreshToken: Boolean(tokens.refresh_token) });

const info = async (token) => oauth.processUserInfoResponse(as, client, claims.sub, await oauth.userInfoRequest(as, client, token, over));
const about = await info(tokens.access_token);
step('userinfo', { org: about.organization_id, username: about.preferred_username });

const refresh = (token, by = proof) => oauth.refreshTokenGrantRequest(as, client, by, token, over);
const fresh = await oauth.processRefreshTokenResponse(as, client, await refresh(tokens.refresh_token));
step('refresh', { another: fresh.access_token !== tokens.access_token, works: (await info(fresh.access_token)).sub === claims.sub });

const introspect = async (token) => (await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, proof, token, over))).active;
const active = await introspect(tokens.refresh_token);

step('codeAgain', await refusal(async () => oauth.processAuthorizationCodeResponse(as, client, await exchange(first))));
const second = await login();
step('wrongSecret', await refusal(async () => oauth.processAuthorizationCodeResponse(as, client, await exchange(second, oauth.ClientSecretPost('wrong')))));
const third = await login();
step('wrongVerifier', await refusal(async () => oauth.processAuthorizationCodeResponse(as, client, await exchange({ ...third, verifier: oauth.generateRandomCodeVerifier() }))));
const fourth = await login();
step('wrongNonce', await refusal(async () => oauth.processAuthorizationCodeResponse(as, client, await exchange(fourth), { expectedNonce: first.nonce })));

const last = await login();
const kept = await oauth.processAuthorizationCodeResponse(as, client, await exchange(last), { expectedNonce: last.nonce });
await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, proof, kept.refresh_token, over));
step('introspection', { active, afterRevocation: await introspect(kept.refresh_token) });
step('refreshAfterRevoke', await refusal(async () => oauth.processRefreshTokenResponse(as, client, await refresh(kept.refresh_token))));
step('deadToken', await refusal(() => info(kept.access_token)));
process.exit(0);
