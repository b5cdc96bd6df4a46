// A certified OpenID provider (npm oidc-provider) under the paths and names of a Salesforce org. What to accept and what to
// refuse is the provider's own judgement; only the words are Salesforce's: further members in token answers, descriptions
// of errors, and revocation without client credentials.
//
// Argument 1 is JSON: {issuer, clientID, clientSecret, redirectURIs, scopes, rotate}. It listens on a free loopback port,
// prints {"port": n} and lives until its standard input ends. TLS and the host name are the parent's business: requests
// arrive with X-Forwarded-Proto and the Host of the issuer. POST /end-session?token=… is the hand of an admin who ends one
// session and leaves the grant alone.
import crypto from 'node:crypto';
import http from 'node:http';
import Provider from 'oidc-provider';

const settings = JSON.parse(process.argv[2]);
const identityHost = 'https://login.salesforce.com'; // Salesforce names users by this host, whatever the org's own is
const org = '00D000000000001EAA';
const user = '005000000000001AAA';
const username = 'ada@acme.example'; // the one admin; any password will do
const identity = `${identityHost}/id/${org}/${user}`;
const resourceServer = { id: 'rest-api', secret: crypto.randomBytes(24).toString('hex') };

const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const signingKey = { ...privateKey.export({ format: 'jwk' }), kid: 'run', use: 'sig', alg: 'RS256' };

const provider = new Provider(settings.issuer, {
  routes: {
    authorization: '/services/oauth2/authorize',
    token: '/services/oauth2/token',
    revocation: '/services/oauth2/revoke',
    introspection: '/services/oauth2/introspect',
    userinfo: '/services/oauth2/userinfo',
    jwks: '/id/keys',
  },
  clients: [
    {
      client_id: settings.clientID,
      client_secret: settings.clientSecret,
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: settings.redirectURIs,
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: settings.scopes.join(' '),
      subject_type: 'pairwise',
    },
    {
      client_id: resourceServer.id,
      client_secret: resourceServer.secret,
      redirect_uris: [],
      response_types: [],
      grant_types: [],
    },
  ],
  scopes: settings.scopes,
  claims: { openid: ['sub', 'user_id', 'organization_id', 'name', 'preferred_username', 'email', 'active'] },
  findAccount: (_ctx, login) => login === username && {
    accountId: login,
    claims: () => ({
      sub: login, user_id: user, organization_id: org, name: 'Ada Admin', preferred_username: login, email: login, active: true,
    }),
  },
  // The subject of a user is the identity URL.
  subjectTypes: ['public', 'pairwise'],
  pairwiseIdentifier: () => identity,
  pkce: { required: () => true },
  rotateRefreshToken: settings.rotate,
  issueRefreshToken: (_ctx, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('refresh_token'),
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  jwks: { keys: [signingKey] },
  cookies: { keys: [crypto.randomBytes(24).toString('hex')] },
  ttl: { AccessToken: 7200, AuthorizationCode: 900, Grant: 86400, IdToken: 120, Interaction: 600, RefreshToken: 86400, Session: 86400 },
});
provider.proxy = true;

// The members that Salesforce adds to a token answer.
function dress(answer) {
  const issuedAt = String(Date.now());
  const signature = crypto.createHmac('sha256', settings.clientSecret).update(identity + issuedAt).digest('base64');
  return { ...answer, instance_url: settings.issuer, id: identity, issued_at: issuedAt, signature };
}

// Salesforce's descriptions, by what the provider logs as its reason.
const words = [
  [/code_verifier/, 'invalid code verifier'],
  [/authorization code/, 'expired authorization code'],
  [/refresh token|grant (not found|is expired)/, 'expired access/refresh token'],
];

function inSalesforcesWords(answer, reason) {
  const found = words.find(([pattern]) => pattern.test(reason ?? ''));
  return found ? { ...answer, error_description: found[1] } : answer;
}

// Salesforce takes a token to revoke from anybody who has it; the provider wants to know the client.
async function addClient(ctx) {
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  ctx.req.body = {
    client_id: settings.clientID,
    client_secret: settings.clientSecret,
    ...Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
  };
}

// Asks the provider itself, over its introspection endpoint, whose token this is.
async function introspect(ctx) {
  const [scheme, token] = (ctx.get('authorization') || '').split(' ');
  if (scheme !== 'Bearer' || !token) return { active: false };
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/services/oauth2/introspect`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${resourceServer.id}:${resourceServer.secret}`).toString('base64')}` },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
  });
  if (!answer.ok) throw new Error(`introspection answers ${answer.status}`);
  return answer.json();
}

provider.use(async (ctx, next) => {
  if (/^\/services\/data\/v\d+\.0\/query$/.test(ctx.path)) {
    const token = await introspect(ctx);
    if (token.active && token.scope.split(' ').includes('api')) {
      const record = { attributes: { type: 'Organization' }, Id: org, Name: 'Acme' };
      ctx.body = { totalSize: 1, done: true, records: [record] };
    } else {
      ctx.status = 401;
      ctx.body = [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }];
    }
    return;
  }
  if (ctx.path === new URL(identity).pathname) {
    const token = await introspect(ctx);
    if (token.active) {
      ctx.body = { id: identity, asserted_user: true, user_id: user, organization_id: org, username, active: true };
    } else {
      ctx.status = 403;
      ctx.body = 'Bad_OAuth_Token';
    }
    return;
  }
  if (ctx.path === '/end-session') {
    const session = await provider.AccessToken.find(ctx.query.token);
    await session.destroy();
    ctx.status = 204;
    return;
  }
  if (ctx.path === '/services/oauth2/revoke') await addClient(ctx);
  await next();
  if (ctx.path !== '/services/oauth2/token') return;
  if (ctx.status === 200) ctx.body = dress(ctx.body);
  else if (ctx.status === 400) ctx.body = inSalesforcesWords(ctx.body, ctx.state.reason);
});

for (const event of ['authorization.error', 'grant.error', 'introspection.error', 'revocation.error', 'server_error', 'userinfo.error']) {
  provider.on(event, (ctx, error) => {
    ctx.state.reason = error.error_detail;
    console.error(event, error.error ?? error, error.error_description ?? '', error.error_detail ?? '');
  });
}

const server = http.createServer(provider.callback());
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.resume().on('end', () => process.exit(0));
