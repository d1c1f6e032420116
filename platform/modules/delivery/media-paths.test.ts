import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAccountPicturePath, parseVideoMediaPath } from './media-paths.ts'

const ID = '0190a1b2-0000-7000-8000-000000000001'
const TOKEN = 'A'.repeat(48)

test('addresses of playlists, segments and pictures are understood, with and without a token', () => {
  const file = (rest: string) => parseVideoMediaPath(`/media/${ID}/${rest}`)?.file
  expect(file('g2/master.m3u8')).toEqual({ kind: 'master', generation: 2 })
  expect(file('g12/v540.m3u8')).toEqual({ kind: 'playlist', generation: 12, renditionId: 'v540' })
  expect(file('g1/a128/init.mp4')).toEqual({ kind: 'segment', path: 'g1/a128/init.mp4' })
  expect(file('g1/v540/00003.m4s')).toEqual({ kind: 'segment', path: 'g1/v540/00003.m4s' })
  expect(file('poster-3.jpg')).toEqual({ kind: 'poster', version: 3 })
  expect(file('preview-0.webp')).toEqual({ kind: 'preview', version: 0 })
  expect(parseVideoMediaPath(`/media/t/${TOKEN}/${ID}/poster-1.jpg`)).toMatchObject({
    token: TOKEN,
    videoId: ID,
  })
  const picture = `pictures/${ID}/${'0f'.repeat(16)}.jpg`
  expect(parseAccountPicturePath(`/media/${picture}`)).toBe(picture)
})

test('nothing that could leave the video’s own folder is an address', () => {
  const paths = [
    `/media/${ID}/../secrets.json`,
    `/media/${ID}/g1/v540/../../../secrets.json`,
    `/media/${ID}/g1/v540/..%2f..%2fsecrets.mp4`,
    `/media/${ID}/g1/../init.mp4`,
    `/media/${ID}/g1/v540/.hidden.mp4`,
    `/media/${ID}/g1//init.mp4`,
    `/media/${ID}/g01/master.m3u8`,
    `/media/${ID}/g1/v540/init.mp4/`,
    `/media/${ID}/g1/v540/init.mp4\u0000`,
    `/media/${ID.toUpperCase()}/g1/master.m3u8`,
    `/media//${ID}/g1/master.m3u8`,
    `/media/originals/${ID}/original`,
    `/media/pictures/${ID}/../${'0f'.repeat(16)}.jpg`,
  ]
  for (const path of paths) {
    expect(parseVideoMediaPath(path), path).toBeNull()
    expect(parseAccountPicturePath(path), path).toBeNull()
  }
})

test('whatever is asked for, a segment’s path has no step up and no empty part', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'g1v540/.-_%2init.mp4s') }), (rest) => {
      const media = parseVideoMediaPath(`/media/${ID}/${rest}`)
      if (media?.file.kind !== 'segment') return
      const parts = media.file.path.split('/')
      expect(parts).toHaveLength(3)
      for (const name of parts) expect(name).toMatch(/^[a-z0-9][a-z0-9_-]*(?:\.(?:m4s|mp4))?$/)
    }),
    { numRuns: 2000 },
  )
})
