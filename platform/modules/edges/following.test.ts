import { expect, test } from 'vitest'
import type { FollowedEdge } from '../../../contract/edge.ts'
import { newestTakenBack } from './following.ts'

const NOW_MS = Date.parse('2026-05-04T12:00:00Z')
const edge = (
  name: string,
  quarantined: NonNullable<FollowedEdge['status']>['quarantined'],
): FollowedEdge => ({
  url: `https://${name}.example`,
  hearing: 'heard',
  heardAt: null,
  status: {
    ...{ name, generation: 1, documentHash: 'a', lastGoodHash: 'a', state: 'serving', originAwaySince: null },
    ...{ sources: [], isFailingStatic: false, quarantined },
    mirror: { objects: 0, sizeBytes: 0, rotten: 0, scrubbedAt: null },
  },
})
const one = (minutesAgo: number, wasInForce: boolean) => ({
  hash: `${minutesAgo}`,
  reason: `It came ${minutesAgo} minutes ago.`,
  at: new Date(NOW_MS - minutesAgo * 60_000).toISOString(),
  wasInForce,
})

test('everybody is told of the newest document that people met, for an hour', () => {
  const edges = [edge('vienna', [one(1, false), one(20, true)]), edge('graz', [one(10, true)])]
  expect(newestTakenBack(edges, NOW_MS)).toMatchObject({
    what: 'edge graz',
    reason: 'It came 10 minutes ago.',
  })
  expect(newestTakenBack([edge('graz', [one(60, true)])], NOW_MS)).toBeNull()
})

test('what was refused before anybody met it, or comes from who is not heard, is no news', () => {
  const silent: FollowedEdge = { url: 'https://x.example', status: null, hearing: 'silent', heardAt: null }
  expect(newestTakenBack([edge('vienna', [one(1, false)]), silent], NOW_MS)).toBeNull()
})
