// Two servers that a door is set up with, each a stranger to it: an OpenID provider (the certified
// oidc-provider) where people sign in, and a host of documents about clients.
//
//   node provider.mjs DOOR_URL CERTIFICATE KEY
//
// Prints {"issuer": URL, "documents": URL} and serves until its input ends. Whoever signs in as
// NAME@GROUP is of that group. Documents are at /REDIRECT_PORT/client.json. Beside them, whoever asks
// for /id-jag?client_id=CLIENT&sub=WHO gets an assertion of the provider that this client may act for
// them (ID-JAG), which a provider of an enterprise would make where the person has signed in. The client
// `machine` gets access tokens for every resource that it names. The door may name none, neither where
// it sends people nor with their code: it is refused then (`invalid_target`), as Entra does.

import crypto from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import Provider, { errors } from 'oidc-provider';

const [door, certificate, key] = process.argv.slice(2);

const listening = (server) =>
  new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

/** What a token for a resource is: of `machine`, as the door may name none. */
function getResourceServerInfo(_, resource, client) {
  if (client.clientId === 'onedoor') {
    throw new errors.InvalidTarget('AADSTS9010010: resource does not match the requested scopes');
  }
  return {
    audience: resource,
    scope: 'role:reader',
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  };
}

const server = http.createServer();
const issuer = `http://127.0.0.1:${await listening(server)}`;
const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'corp', alg: 'RS256', use: 'sig' };
const provider = new Provider(issuer, {
  jwks: { keys: [jwk] },
  clients: [
    {
      client_id: 'onedoor',
      client_secret: 'only-for-this-proof',
      redirect_uris: [`${door}/oauth/callback/corp`],
    },
    {
      client_id: 'machine',
      client_secret: 'only-for-this-proof',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_post',
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo,
    },
  },
  claims: { openid: ['sub', 'groups'], profile: ['name'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['only-for-this-proof'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id.split('@')[0], groups: id.split('@').slice(1) }),
  }),
  pkce: { required: () => true },
});
server.on('request', provider.callback());

/** That a client may act for somebody at the door. */
function assertion(client, who) {
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: 'RS256', kid: 'corp', typ: 'oauth-id-jag+jwt' };
  const claims = {
    iss: issuer, aud: door, sub: who, client_id: client, jti: crypto.randomUUID(),
    iat: now, exp: now + 120, groups: who.split('@').slice(1),
  };
  const part = (it) => Buffer.from(JSON.stringify(it)).toString('base64url');
  const message = `${part(header)}.${part(claims)}`;
  return `${message}.${crypto.sign('RSA-SHA256', Buffer.from(message), privateKey).toString('base64url')}`;
}

const documents = https.createServer(
  { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) },
  (request, response) => {
    const { pathname, searchParams: asked } = new URL(request.url, 'https://documents.example');
    if (pathname === '/id-jag') return response.end(assertion(asked.get('client_id'), asked.get('sub')));
    const port = /^\/(\d{1,5})\/client\.json$/.exec(request.url)?.[1];
    if (!port) return response.writeHead(404).end();
    const { host } = request.headers;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        client_id: `https://${host}/${port}/client.json`,
        client_name: 'Agent with a document',
        redirect_uris: ['back', 'callback'].map((it) => `http://127.0.0.1:${port}/${it}`),
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      }),
    );
  },
);
const port = await listening(documents);
console.log(JSON.stringify({ issuer, documents: `https://127.0.0.1:${port}` }));
process.stdin.resume().on('end', () => process.exit(0));
