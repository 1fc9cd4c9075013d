import { join } from 'node:path';
import t from 'tap';
import { leadingLinks } from '../../src/datadir/real-path.js';

t.test('the links through which a path leads, in a row', async (t) => {
  const dir = t.testdir({
    first: { 'tls.crt': 'certificate' },
    'tls.crt': t.fixture('symlink', 'current/tls.crt'),
    current: t.fixture('symlink', 'first'),
    loop: t.fixture('symlink', 'loop'),
    nowhere: t.fixture('symlink', 'missing'),
    plain: '',
  });
  const at = (...names: string[]): string[] => names.map((name) => join(dir, name));
  t.strictSame(leadingLinks(join(dir, 'tls.crt')), at('tls.crt', 'current', 'first/tls.crt'));
  t.strictSame(leadingLinks(join(dir, 'current/tls.crt')), at('current', 'first/tls.crt'));
  t.strictSame(leadingLinks(join(dir, 'nowhere')), at('nowhere', 'missing'));
  t.strictSame(leadingLinks(join(dir, 'plain')), []);
  t.strictSame(leadingLinks(join(dir, 'missing')), []);
  t.equal(leadingLinks(join(dir, 'loop')).length, 41, 'one that leads to itself has an end');
});
