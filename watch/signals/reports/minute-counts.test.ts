import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { reportMinutesOf } from '../../incidents/index.ts'
import { createWatchWorld } from '../../pages/world.fixtures.ts'
import { openMinuteCounts } from './minute-counts.ts'

test('what the disk refused is counted once it takes it, together with what came since', async () => {
  await using world = await createWatchWorld()
  const { ctx } = world
  const counts = await openMinuteCounts(ctx)
  const add = () =>
    counts.add({
      serviceId: 'upbeat',
      atMs: ctx.clock.now().getTime(),
      featureId: 'feed',
      region: 'eu',
      trust: 0.5,
    })
  const db = new DatabaseSync(join(ctx.config.dataDir, 'watch.sqlite'))
  db.exec(`create trigger refuse before insert on report_minute begin
    insert into kept (name, value, at_ms) values ('refused', '', 0); select raise(fail, 'refused'); end`)
  add()
  // The trigger's own row shows that the counts were refused: RAISE(FAIL) keeps what it did before.
  await expect.poll(() => db.prepare('select count(*) as n from kept').get()).toMatchObject({ n: 1 })
  db.exec('drop trigger refuse')
  db.close()

  add()
  await counts[Symbol.asyncDispose]()

  expect(reportMinutesOf(ctx, { serviceId: 'upbeat' })).toMatchObject([{ count: 2, trusted: 1 }])
})
