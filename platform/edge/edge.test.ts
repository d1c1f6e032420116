import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { edgeDocument, EDGE_MEDIA_KEY, startEdge } from '../../tests/support/edge-process.ts'
import { openFaultyOrigin, segmentBytesOf } from '../../tests/support/faulty-origin.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { signMediaToken } from '../modules/videos/index.ts'

test('an edge keeps a segment, serves its parts, checks tokens, and goes on with its origin dead', async () => {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin()
  await using edge = await startEdge({
    dir: dir.path,
    document: edgeDocument({ origins: [{ name: 'home', url: origin.url }] }),
  })
  const [open, hidden] = [uuidv7(), uuidv7()]
  const path = `/media/${open}/g1/v540/00000.m4s`
  const ask = async (of: string, headers: Record<string, string> = {}) => {
    const response = await fetch(edge.url + of, { headers })
    return {
      status: response.status,
      headers: response.headers,
      body: Buffer.from(await response.arrayBuffer()),
    }
  }
  const fetchesOf = (of: string) => origin.asked.filter((each) => each.path === of).length

  const missed = await ask(path)
  const hit = await ask(path, { range: 'bytes=100-199' })
  expect([missed.body.equals(segmentBytesOf(path)), missed.headers.get('cache-status')]).toEqual([
    true,
    'edge-one; fwd=miss; stored',
  ])
  expect([hit.status, hit.body.equals(segmentBytesOf(path).subarray(100, 200))]).toEqual([206, true])
  const preflight = await fetch(edge.url + path, { method: 'OPTIONS' })
  expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
    204,
    expect.stringContaining('priority'),
  ])
  expect([hit.headers.get('cache-status'), fetchesOf(path)]).toEqual(['edge-one; hit', 1])

  const token = signMediaToken(EDGE_MEDIA_KEY, hidden, new Date())
  const file = `${hidden}/g1/v540/00000.m4s`
  const withToken = await ask(`/media/t/${token}/${file}`)
  const withWrong = await ask(`/media/t/${signMediaToken('another key', hidden, new Date())}/${file}`)
  expect([withToken.status, withWrong.status]).toEqual([200, 404])
  expect(withToken.headers.get('cache-control')).toMatch(/^private, max-age=\d+, immutable$/)

  origin.be('fails')
  // What was fetched with a token opens nothing to who has none: it is asked for anew.
  const withoutToken = await ask(`/media/${file}`)
  expect([withoutToken.status, fetchesOf(`/media/${file}`) > 0]).toEqual([503, true])
  expect((await ask(path)).body.equals(segmentBytesOf(path))).toBe(true)
})
