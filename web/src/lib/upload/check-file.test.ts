import { expect, test } from 'vitest'
import type { UploadLimits } from '#lib/api/types.ts'
import { refuseFile, type FileFacts } from './check-file.ts'

const limits: UploadLimits = {
  maxSizeBytes: 4_000_000_000,
  maxDurationS: 600,
  maxShortEdgePx: 2160,
  maxConcurrent: 3,
  availableBytes: 5_000_000_000,
  quotaBytes: 50_000_000_000,
  usedBytes: 0,
  acceptedTypes: ['video/mp4', 'video/quicktime', 'video/webm'],
}
const film: FileFacts = {
  name: 'a.mp4',
  sizeBytes: 1000,
  mediaType: 'video/mp4',
  durationMs: 1000,
  shortEdgePx: 1080,
}
const codeOf = (facts: Partial<FileFacts>, other: Partial<UploadLimits> = {}) =>
  refuseFile({ ...film, ...facts }, { ...limits, ...other })?.code ?? null

test('a limit that is just reached is kept, one more is refused', () => {
  expect(codeOf({ sizeBytes: 4_000_000_000 })).toBeNull()
  expect(codeOf({ sizeBytes: 4_000_000_001 })).toBe('too-large')
  expect(codeOf({ durationMs: 600_000 })).toBeNull()
  expect(codeOf({ durationMs: 600_001 })).toBe('too-long')
  expect(codeOf({ shortEdgePx: 2160 })).toBeNull()
  expect(codeOf({ shortEdgePx: 2161 })).toBe('too-detailed')
  expect(codeOf({}, { availableBytes: 1000 })).toBeNull()
  expect(codeOf({}, { availableBytes: 999 })).toBe('no-space')
})

test('an empty file is refused for being empty, whatever its type', () => {
  expect(codeOf({ sizeBytes: 0, mediaType: '' })).toBe('empty')
})

test('what this device can’t tell is left to the server', () => {
  expect(codeOf({ durationMs: null, shortEdgePx: null })).toBeNull()
})

test('a file without a type is judged by its ending', () => {
  expect(codeOf({ mediaType: '', name: 'IMG_0042.MOV' })).toBeNull()
  expect(codeOf({ mediaType: '', name: 'notes.txt' })).toBe('wrong-type')
  expect(codeOf({ mediaType: 'video/x-matroska', name: 'film.mkv' })).toBeNull()
  expect(codeOf({ mediaType: 'image/jpeg', name: 'photo.jpg' })).toBe('wrong-type')
  expect(codeOf({ mediaType: 'text/plain', name: 'film.mp4' })).toBe('wrong-type')
})

test('a refusal names the size and the limit', () => {
  expect(refuseFile({ ...film, sizeBytes: 4_500_000_000 }, limits)).toEqual({
    code: 'too-large',
    reason: 'This file has 4.5 GB; up to 4 GB is accepted here.',
    next: 'Export it in a lower quality, or cut it shorter, and choose it again.',
  })
})
