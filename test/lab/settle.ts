import { setTimeout as delay } from 'node:timers/promises';
import { marginMs } from '../../src/datadir/changes.js';
import type { LabNode } from './node.js';

/**
 * Has the server write what was just loaded to its files, and waits until their times are clearly older than a look at them:
 * as they are on a server that has been up for a while, whose tables need not be sent a second time under the lock.
 */
export async function settle(node: LabNode): Promise<void> {
  const dirty = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'";
  await node.sql('SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0, GLOBAL innodb_max_dirty_pages_pct = 0');
  while ((await node.query(dirty))[0]?.['Value'] !== '0') await delay(100);
  await node.sql(
    'SET GLOBAL innodb_max_dirty_pages_pct = DEFAULT, GLOBAL innodb_max_dirty_pages_pct_lwm = DEFAULT',
  );
  await delay(marginMs + 1000);
}
