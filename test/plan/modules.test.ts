import t from 'tap';
import { places } from '../../src/datadir/layout.js';
import { messageModules, placeModules } from '../../src/plan/modules.js';

t.test('the original script’s modules keep their names, and no two modules share one', async (t) => {
  t.equal(placeModules.data, 'rsync_tunnel_sst');
  t.equal(placeModules['innodb-log'], 'rsync_tunnel_sst-log_dir');
  const names = [...places.map((place) => placeModules[place]), ...Object.values(messageModules)];
  t.equal(new Set(names).size, 9);
});
