import t from 'tap';
import { creditsOf } from './credit.js';

const modules = ['plan/donor', 'plan/tunnel', 'plan/lists', 'transfers/donate', 'transfers/claim', 'clock'];
const tests = ['plan/donor', 'plan/tunnel', 'transfers/claim', 'sst-script/idle', 'clock', 'readme'];

const cases: { test: string; credits: string[]; why: string }[] = [
  {
    test: 'plan/donor',
    credits: ['plan/donor', 'plan/lists'],
    why: 'its own, and what has none in its room',
  },
  {
    test: 'transfers/claim',
    credits: ['transfers/claim', 'transfers/donate'],
    why: 'the same in another room',
  },
  { test: 'sst-script/idle', credits: ['transfers/donate'], why: 'scripts that talk are transfers' },
  { test: 'clock', credits: ['clock'], why: 'a module in no folder' },
  { test: 'readme', credits: [], why: 'a test of no module' },
];
for (const { test, credits, why } of cases) {
  t.strictSame(creditsOf(test, modules, tests).sort(), credits.sort(), `${test}: ${why}`);
}
