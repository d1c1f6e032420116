/** Other watches beside this one, as pages and answers show them. */
import type { ComponentStatus } from '../../contract/watch.ts'
import type { WatchCtx } from '../app/context.ts'
import type { ComponentView, PeerView } from '../incidents/index.ts'
import type { ServiceWord } from './protocol.ts'
import { listPresentPeers, readHearing } from './silence.ts'

/** By their names; none while no key is shared with any. */
export function peersOf(
  ctx: WatchCtx,
  serviceId: string,
  components: readonly Pick<ComponentView, 'slug' | 'status' | 'state'>[],
): readonly PeerView[] {
  const { peer } = ctx.config
  if (peer === null) return []
  const hearing = readHearing(ctx)
  const known = listPresentPeers(ctx)
  const views = known.map(({ id, publicUrl, view }): PeerView => {
    const word = view.find((one) => one.serviceId === serviceId) ?? null
    const { isSilent, heardAtMs } = hearing(id)
    return {
      watch: id,
      url: publicUrl,
      isSilent,
      heardAtMs,
      word: word && {
        asOfMs: word.asOfMs,
        isBlind: word.isBlind,
        indicator: word.indicator,
        description: word.description,
      },
      disagreesOn: isSilent || !word ? [] : disagreements(components, word),
    }
  })
  const isReached = peer.url === null || known.some(({ address }) => address === peer.url)
  if (isReached) return views
  return [...views, { watch: null, url: null, isSilent: true, heardAtMs: null, word: null, disagreesOn: [] }]
}

/** Features that one sees fail and the other sees work. Who doesn't know doesn't contradict. */
function disagreements(
  components: readonly Pick<ComponentView, 'slug' | 'status' | 'state'>[],
  word: ServiceWord,
): string[] {
  const theirs = new Map(word.features.map((feature) => [feature.id, feature]))
  return components
    .filter(({ slug, status, state }) => {
      const other = theirs.get(slug)
      if (!other) return false
      return (
        (isFailing(status) && isWorking(other.status, other.state)) ||
        (isFailing(other.status) && isWorking(status, state))
      )
    })
    .map(({ slug }) => slug)
}

const isFailing = (status: ComponentStatus): boolean =>
  status === 'partial_outage' || status === 'major_outage'

const isWorking = (status: ComponentStatus, state: ComponentView['state']): boolean =>
  status === 'operational' && state === 'up'
