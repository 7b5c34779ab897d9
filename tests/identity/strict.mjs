// Strict clients that nobody wrote with this door in mind, through all flows: `openid-client` and
// `oauth4webapi`, over TLS that they check.
//
//   node strict.mjs DOOR BACK_PORT CERTIFICATE KEY DOCUMENTS SET
//
// SET is which of their flows: `flows`, or `nonced` for a door that demands nonces.
//
// Prints one JSON object a line: first {"jwk": PUBLIC_KEY} of the client that signs assertions, and
// reads {"secret": SECRET} of the one that has one. Then {"open": URL, "back": PREFIX} where a person
// is wanted, answered with {"landed": URL}, or {"device": URL}, answered with {"connected": true}; and
// {"library": NAME, "flow": NAME, "ok": true} for each flow. The exit code is 0 where all are ok.

import assert from 'node:assert/strict';
import { X509Certificate, createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import readline from 'node:readline';
import * as oauth4webapi from './strict/oauth4webapi.mjs';
import * as openidClient from './strict/openid-client.mjs';

const [door, port, certificate, key, documents, set] = process.argv.slice(2);
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const print = (line) => console.log(JSON.stringify(line));
const read = async () => JSON.parse((await lines.next()).value);

const back = `http://127.0.0.1:${port}/callback`;
const listener = http.createServer((_, response) => response.end('ok')).listen(port, '127.0.0.1');

const signing = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
  'sign',
  'verify',
]);
const jwk = await crypto.subtle.exportKey('jwk', signing.publicKey);
print({ jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, kid: 'one', alg: 'ES256', use: 'sig' } });
const { secret } = await read();

const agent = new https.Agent({
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  keepAlive: true,
});

/** What fetch does, over a connection that shows the client's certificate. */
function certified(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((done, failed) => {
    const plain = Object.fromEntries(new Headers(headers));
    const request = https.request(url, { method, headers: plain, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () => {
        const answered = new Headers();
        for (const [name, value] of Object.entries(response.headers)) answered.set(name, value);
        const whole = response.statusCode === 204 ? null : Buffer.concat(chunks);
        done(new Response(whole, { status: response.statusCode, headers: answered }));
      });
    });
    request.on('error', failed);
    request.end(body?.toString());
  });
}

const world = {
  door: new URL(door),
  resource: `${door}/mcp`,
  operation: new URL(`${door}/orders/orders/1`),
  back,
  secret,
  signing: { key: signing.privateKey, kid: 'one' },
  certified,
  /** Of the client's certificate, as tokens have it. */
  thumbprint: createHash('sha256')
    .update(new X509Certificate(fs.readFileSync(certificate)).raw)
    .digest('base64url'),
  clients: {
    public: 'strict/public',
    pushed: 'strict/pushed',
    device: 'strict/device',
    dpop: 'strict/dpop',
    secret: 'strict/secret',
    keyed: 'strict/keyed',
    opaque: 'strict/opaque',
    certified: 'strict/certified',
    described: `${documents}/${port}/client.json`,
  },
  /** Sends the person there; where they are sent back to. */
  async person(url) {
    print({ open: url.toString(), back });
    return new URL((await read()).landed);
  },
  /** A person allows the device whose code is in the link. */
  async connect(url) {
    print({ device: url });
    assert.ok((await read()).connected);
  },
  /** The provider's word that a client may act for somebody (ID-JAG). */
  async assertion(client) {
    const asked = new URLSearchParams({ client_id: client, sub: 'ann@staff' });
    return (await fetch(`${documents}/id-jag?${asked}`)).text();
  },
  /** The key of another client that registers itself, and its public half. */
  async newKey() {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    return {
      private: { key: pair.privateKey, kid: 'two' },
      public: { kty, crv, x, y, kid: 'two', alg: 'ES256', use: 'sig' },
    };
  },
  /** The tool behind the same token, as it is, over MCP. */
  async tool(authorization, more = {}) {
    const headers = {
      ...more,
      authorization,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'orders_get_order',
    };
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const params = { name: 'orders_get_order', arguments: { id: 1 }, _meta: meta };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    return fetch(`${door}/mcp`, { method: 'POST', headers, body });
  },
};

let failed = 0;
for (const [library, its] of Object.entries({ oauth4webapi, 'openid-client': openidClient })) {
  for (const [flow, run] of Object.entries(its[set])) {
    try {
      await run(world);
      print({ library, flow, ok: true });
    } catch (error) {
      failed += 1;
      const cause = error.cause instanceof Error ? error.cause.message : JSON.stringify(error.cause);
      print({ library, flow, ok: false, error: `${error.message} (${error.code}: ${cause})` });
    }
  }
}
listener.close();
process.exit(failed ? 1 : 0);
