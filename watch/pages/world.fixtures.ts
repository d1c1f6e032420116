/** A watch of a test's own: a real store in a folder that goes with it, a catalogue of one service, a real HTTP server. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFakeClock } from '../../kit/clock.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import type { Actor } from '../app/actor.ts'
import { environmentWith, loadWatchConfig } from '../app/config.ts'
import { openWatchContext, type WatchCtx } from '../app/context.ts'
import { createWatchApp, type WatchApp } from '../http/http.ts'
import { openIncident, type LiveBoard } from '../incidents/index.ts'
import type { ComponentNow } from '../incidents/live-status.ts'
import { NOW } from './view.fixtures.ts'

export const ENTRY = `
id: upbeat
name: Upbeat
url: https://upbeat.example
description: Short videos.
regions:
  - { id: eu, name: Europe, countries: [DE, FR] }
  - { id: na, name: North America, countries: [US] }
features:
  - { id: feed, name: Feed }
  - { id: video, name: Video, tier: edge }
  - { id: upload, name: Upload, description: Sending videos. }
  - { id: search, name: Search, group: Finding }
  - { id: tags, name: Tags, group: Finding }
`

export const RESPONDER: Actor = { kind: 'operator', id: 'op-1', name: 'Ada', role: 'responder' }

/** An operator says that uploading does not work. */
export const breakUpload = (
  { ctx }: { readonly ctx: WatchCtx },
  {
    regions = [],
    impact = 'major',
  }: { readonly regions?: string[]; readonly impact?: 'minor' | 'major' } = {},
) =>
  openIncident(ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'Upload does not work',
    body: 'We are looking.',
    featureIds: ['upload'],
    regions,
    impact,
  })

export interface WatchWorld extends AsyncDisposable {
  readonly ctx: WatchCtx
  readonly board: LiveBoard
  readonly clock: ReturnType<typeof createFakeClock>
  readonly dir: string
  /** Makes the server with these routes and listens. Answers its address. */
  serve(register: (app: WatchApp, ctx: WatchCtx) => void | Promise<void>): Promise<string>
  /** Cells of a feature in both regions, and what its component is. */
  setState(
    featureId: string,
    states: { readonly eu: State; readonly na: State },
    status: ComponentNow['status'],
  ): void
}

type State = ComponentNow['state']

/** Makes the world; all features are up, and were looked at just now. */
export async function createWatchWorld(
  options: {
    readonly entries?: Readonly<Record<string, string>>
    readonly env?: Readonly<Record<string, string>>
    /** No cell has any evidence yet. @default false */
    readonly isQuiet?: boolean
  } = {},
): Promise<WatchWorld> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const catalogDir = join(dir.path, 'catalog')
  await mkdir(catalogDir)
  for (const [id, text] of Object.entries(options.entries ?? { upbeat: ENTRY }))
    await writeFile(join(catalogDir, `${id}.yaml`), text)
  const config = loadWatchConfig(
    environmentWith({
      WATCH_DATA_DIR: join(dir.path, 'data'),
      WATCH_CATALOG: catalogDir,
      WATCH_SERVICES: '',
      LOG_LEVEL: 'silent',
      ...options.env,
    }),
  )
  const clock = createFakeClock(NOW)
  const { ctx, board } = stack.use(await openWatchContext(config, { clock }))
  const world: Omit<WatchWorld, typeof Symbol.asyncDispose> = {
    ctx,
    board,
    clock,
    dir: dir.path,
    async serve(register) {
      const app = createWatchApp(ctx)
      await register(app, ctx)
      const address = await app.listen({ host: '127.0.0.1', port: 0 })
      stackOfWorld.defer(() => app.close())
      return address
    },
    setState(featureId, states, status) {
      const live = board.service('upbeat')
      live.asOfMs = clock.now().getTime()
      live.cells = [
        ...live.cells.filter((cell) => cell.featureId !== featureId),
        ...Object.entries(states).map(([region, state]) => ({
          serviceId: 'upbeat',
          featureId,
          region,
          posterior: state === 'down' ? 0.98 : state === 'unknown' ? null : 0.01,
          state,
          contributions: {},
          sinceMs: null,
        })),
      ]
      const worst = states.eu === 'up' ? states.na : states.eu
      const changedAtMs = status === 'operational' ? null : clock.now().getTime()
      live.components.set(featureId, {
        status,
        state: worst,
        changedAtMs,
        createdAtMs: NOW.getTime() - 86_400_000,
      })
    },
  }
  for (const entry of ctx.catalog.services())
    if (entry.id === 'upbeat' && !options.isQuiet)
      for (const { id } of entry.features) world.setState(id, { eu: 'up', na: 'up' }, 'operational')
  const stackOfWorld = stack.move()
  return { ...world, [Symbol.asyncDispose]: () => stackOfWorld.disposeAsync() }
}
