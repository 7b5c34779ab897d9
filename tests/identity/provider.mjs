// Two servers that a door is set up with, each a stranger to it: an OpenID provider (the certified
// oidc-provider) where people sign in, and a host of documents about clients.
//
//   node provider.mjs DOOR_URL CERTIFICATE KEY
//
// Prints {"issuer": URL, "documents": URL} and serves until its input ends. Whoever signs in as
// NAME@GROUP is of that group. Documents are at /REDIRECT_PORT/client.json.

import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import Provider from 'oidc-provider';

const [door, certificate, key] = process.argv.slice(2);

const listening = (server) =>
  new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

const server = http.createServer();
const issuer = `http://127.0.0.1:${await listening(server)}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'onedoor',
      client_secret: 'only-for-this-proof',
      redirect_uris: [`${door}/oauth/callback/corp`],
    },
  ],
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

const documents = https.createServer(
  { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) },
  (request, response) => {
    const port = /^\/(\d{1,5})\/client\.json$/.exec(request.url)?.[1];
    if (!port) return response.writeHead(404).end();
    const { host } = request.headers;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        client_id: `https://${host}/${port}/client.json`,
        client_name: 'Agent with a document',
        redirect_uris: [`http://127.0.0.1:${port}/back`],
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
