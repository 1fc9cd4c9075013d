import t from 'tap';
import { isElasticType } from '../../src/datadir/elastic.js';

t.test('file systems that compress are known by their number', (t) => {
  const cases: [name: string, type: number, isElastic: boolean][] = [
    ['btrfs', 0x9123683e, true],
    ['ZFS', 0x2fc12fc1, true],
    ['bcachefs', 0xca451a4e, true],
    ['ext4', 0xef53, false],
    ['XFS', 0x58465342, false],
    ['tmpfs', 0x01021994, false],
  ];
  for (const [name, type, expected] of cases) t.equal(isElasticType(type), expected, name);
  t.end();
});
