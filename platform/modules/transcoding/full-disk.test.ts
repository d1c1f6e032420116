import { execFile } from 'node:child_process'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { loadReceipt } from '../uploads/index.ts'
import { startFirstPlayableLane, startImproveLane } from './index.ts'
import { requestVideo, until, untilComplete } from './transcoding.fixtures.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

test.skipIf(!isRoot)(
  'on a full disk both lanes wait, say so, and go on without a restart (a small disk needs root)',
  async () => {
    await using world = await createWorld({ isWorker: true })
    await using disk = await mountSmallDisk(world)
    const { uploadId, videoId } = await requestVideo(world, 'hevc')
    const receipt = async () => (await loadReceipt(world.ctx, uploadId))!
    const waitsForSpace = async () => (await receipt()).waitsFor === 'space'

    await disk.fill()
    await using _first = await startFirstPlayableLane(world.ctx)
    await until(waitsForSpace)
    expect(await receipt()).toMatchObject({ state: 'safe', failure: null, progress: null, timeLeftS: null })
    await disk.free()
    await beginNow(world)
    await until(async () => (await receipt()).state === 'playable')
    expect((await receipt()).waitsFor).toBeNull()

    await disk.fill()
    await using _improve = await startImproveLane(world.ctx)
    await until(waitsForSpace)
    expect(await receipt()).toMatchObject({ state: 'playable', failure: null })
    await disk.free()
    await beginNow(world)
    await untilComplete(world, videoId)
    expect((await receipt()).waitsFor).toBeNull()
  },
)

/** A job that waits for space waits some seconds. */
const beginNow = (world: World) =>
  world.ctx.pool.query(`update pgboss.job set start_after = now() where state = 'created'`)

/** Puts a disk of 16 MiB under the world's blobs. */
async function mountSmallDisk(world: World) {
  const { blobs } = world.config.paths
  await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', blobs])
  const filler = join(blobs, 'filler.tmp')
  return {
    async fill() {
      const { bavail, bsize } = await statfs(blobs)
      await writeFile(filler, Buffer.alloc(bavail * bsize - 8192))
    },
    free: () => rm(filler),
    // Lazily: an encoder that just ends may hold a file for another moment.
    [Symbol.asyncDispose]: async () => void (await run('umount', ['-l', blobs])),
  }
}
