import { readFileSync } from 'node:fs';
import t from 'tap';
import { refusalTable } from '../../src/control/refusal.js';
import { routes } from '../../src/control/routes.js';

const description = readFileSync(new URL('../../../docs/openapi.yaml', import.meta.url), 'utf8');

/** `GET /v1/status` and so on: the file keeps paths two and methods four columns in. */
function described(): string[] {
  const section = /^paths:\n([\s\S]*?)^\S/m.exec(description)?.[1] ?? '';
  let path = '';
  const found: string[] = [];
  for (const line of section.split('\n')) {
    path = /^ {2}(\/\S*):$/.exec(line)?.[1] ?? path;
    const method = /^ {4}(get|put|post|delete|patch|head):$/.exec(line)?.[1];
    if (method !== undefined) found.push(`${method.toUpperCase()} ${path}`);
  }
  return found.sort();
}

t.test('the OpenAPI description has the routes that there are, and no others', async (t) => {
  t.same(described(), routes.map(({ method, path }) => `${method} ${path}`).sort());
});

t.test('it describes a body where one is read', async (t) => {
  const bodies = description.split('requestBody:').length - 1;
  t.equal(bodies, routes.filter(({ body }) => body !== undefined).length);
});

t.test('it names every status that a refusal can have', async (t) => {
  for (const [code, { status }] of Object.entries(refusalTable)) {
    t.match(description, new RegExp(`['( ]${status}\\b`), code);
  }
});
