import t from 'tap';
import { ReceivedFiles } from '../../src/page-cache/received-files.js';

const paths = ['a', 'b', 'c', 'd', 'e'].map((name) => `/data/shop/${name}.ibd`);

/** What was given up, by the last letter, look by look. */
function recording(files: readonly string[] = paths, isThere: (path: string) => boolean = () => true) {
  let given = '';
  const received = new ReceivedFiles(files, (path) => {
    if (!isThere(path)) return false;
    given += path.at(-5) ?? '';
    return true;
  });
  return (nowMs: number, ...writers: (readonly [pid: number, ...open: string[]])[]): string => {
    given = '';
    received.look(
      writers.map(([pid, ...open]) => ({ pid, open })),
      nowMs,
    );
    return given;
  };
}

const shop = (name: string): string => `/data/shop/${name}.ibd`;

t.test('what is written goes as it comes, what has come at once and again half a second later', async (t) => {
  const look = recording();
  t.equal(look(0, [1, shop('a')]), 'a', 'the first that is seen');
  t.equal(look(200, [1, shop('a')]), 'a', 'still the same one');
  t.equal(look(400, [1, shop('d')]), 'abcd', 'all between two places');
  t.equal(look(600, [1, shop('d')]), 'd');
  t.equal(look(900, [1, shop('e')]), 'abcde', 'and half a second later what had come');
  t.equal(look(1500), 'de', 'the writer is gone');
  t.equal(look(2000), 'e');
  t.equal(look(3000), '', 'nothing is given up more often');
});

t.test('writers are followed one by one', async (t) => {
  const look = recording(paths, (path) => path !== shop('b'));
  t.equal(look(0, [1, shop('a')], [2, shop('c')]), 'ac');
  t.equal(look(100, [1, shop('c')], [2, shop('e')]), 'accde', 'b is not there, c is given up by both');
  t.equal(look(150, [2, shop('e')]), 'e');
});

t.test('a table that replaces an older one is given up like others', async (t) => {
  const look = recording();
  t.equal(look(0, [1, shop('a')]), 'a');
  t.equal(look(100, [1, shop('d')]), 'abcd', 'b is not of this stream: the older one');
  t.equal(look(600, [1, shop('d')]), 'abcd');
  t.equal(look(700, [1, shop('d')], [2, shop('b')]), 'db', 'there it comes');
  t.equal(look(800, [1, shop('d')], [2, shop('c')]), 'dbc');
  t.equal(look(1300, [1, shop('d')], [2, shop('c')]), 'bdc');
});

t.test('what is still to be given up of the older one does not count for the new one', async (t) => {
  const look = recording();
  t.equal(look(0, [1, shop('a')]), 'a');
  t.equal(look(100, [1, shop('d')]), 'abcd');
  t.equal(look(300, [2, shop('b')]), 'db', 'it comes');
  t.equal(look(650, [2, shop('c')]), 'acbc');
  t.equal(look(1200), 'dbc', 'b for the second time');
});

t.test('names between those that count tell how far a writer is, others tell nothing', async (t) => {
  const look = recording();
  const log = '/tmp/x/rsyncd.log';
  t.equal(look(0, [1, log], [2]), '');
  t.equal(look(100, [1, log, shop('a')]), 'a');
  t.equal(look(200, [1, log]), '', 'between two files');
  t.equal(look(300, [1, '', log, '/data/shop/c.frm']), 'ab', 'c.ibd comes behind c.frm');
  t.equal(look(400, [1, '/data/ibdata1']), '', 'outside of all directories');
  t.equal(look(500, [1, shop('d')]), 'cd');
});

t.test('one that begins anew, or goes back, takes nothing with it', async (t) => {
  const look = recording();
  t.equal(look(0, [1, shop('e')]), 'e');
  t.equal(look(100, [1, shop('b')]), 'b', 'back');
  t.equal(look(200, [7, shop('d')]), 'bd', 'another: b has come, what lies before d is not known');
});

t.test('without files, and with one that is there later', async (t) => {
  t.equal(recording([])(0, [1, shop('a')]), '');
  let isThere = false;
  const look = recording(paths, () => isThere);
  t.equal(look(0, [1, shop('b')]), '');
  t.equal(look(100, [1, shop('c')]), '');
  isThere = true;
  t.equal(look(1000, [2, shop('a')]), 'ca', 'c came last from the one that is gone');
});
