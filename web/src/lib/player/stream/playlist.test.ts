import { expect, test } from 'vitest'
import { parseMaster, parseMedia, segmentAt, UnsupportedPlaylistError } from './playlist.ts'

const MASTER = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound, stereo",DEFAULT=YES,URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1500000,AVERAGE-BANDWIDTH=1200000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=540x960,AUDIO="audio"
v540.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=4000000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1080x1920,AUDIO="audio"
v1080.m3u8
`
const MEDIA = `#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-MAP:URI="v540/init.mp4"
#EXTINF:2.000000,
v540/0.m4s
#EXTINF:1.500000,
v540/1.m4s
#EXT-X-ENDLIST
`

test('a master playlist gives its variants with absolute addresses and the sound that belongs to them', () => {
  const variants = parseMaster(MASTER, 'https://example.test/media/1/master.m3u8')
  expect(variants.map((variant) => [variant.width, variant.height, variant.bandwidthBps])).toEqual([
    [540, 960, 1_500_000],
    [1080, 1920, 4_000_000],
  ])
  expect(variants[0]).toMatchObject({
    url: 'https://example.test/media/1/v540.m3u8',
    audioUrl: 'https://example.test/media/1/audio.m3u8',
    codecs: ['avc1.64001f', 'mp4a.40.2'],
  })
})

test('a media playlist gives its segments with their place in time', () => {
  const media = parseMedia(MEDIA, 'https://example.test/media/1/v540.m3u8')
  expect(media).toMatchObject({
    isComplete: true,
    durationS: 3.5,
    mapUrl: 'https://example.test/media/1/v540/init.mp4',
  })
  expect(media.segments[1]).toEqual({
    url: 'https://example.test/media/1/v540/1.m4s',
    startS: 2,
    durationS: 1.5,
  })
})

test('a playlist that still grows says so', () => {
  expect(parseMedia(MEDIA.replace('#EXT-X-ENDLIST\n', ''), 'https://example.test/a').isComplete).toBe(false)
})

test('what this reader does not know is refused, so that another player takes over', () => {
  const encrypted = MEDIA.replace('#EXTINF', '#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF')
  expect(() => parseMedia(encrypted, 'https://example.test/a')).toThrow(UnsupportedPlaylistError)
  expect(() => parseMedia('<html>', 'https://example.test/a')).toThrow(UnsupportedPlaylistError)
  expect(() => parseMaster('#EXTM3U', 'https://example.test/a')).toThrow(UnsupportedPlaylistError)
})

test('a time finds its segment, a boundary belongs to the later one, and past the end is the last', () => {
  const { segments } = parseMedia(MEDIA, 'https://example.test/a')
  expect([0, 1.9, 1.97, 2, 3, 9].map((timeS) => segmentAt(segments, timeS))).toEqual([0, 0, 1, 1, 1, 1])
})
