import { expect, test } from 'vitest'
import {
  EMPTY_DRAFT,
  findUnfinished,
  forget,
  forgetOf,
  readRemembered,
  remember,
  type RememberedUpload,
} from './remembered.ts'

function createStore(text: string | null = null) {
  const store = {
    text,
    getItem: () => store.text,
    setItem: (_key: string, value: string) => void (store.text = value),
  }
  return store
}

function upload(uploadId: string, name = 'a.mp4', sizeBytes = 100, modifiedAtMs = 1): RememberedUpload {
  return {
    uploadId,
    videoId: `video-${uploadId}`,
    accountId: 'me',
    url: `/api/v1/uploads/${uploadId}`,
    file: { name, sizeBytes, modifiedAtMs },
    fingerprint: null,
    draft: EMPTY_DRAFT,
    isDraftUnsent: false,
    rememberedAtMs: 1,
  }
}
const receipt = (id: string, filename = 'a.mp4', sizeBytes = 100) => ({ id, filename, sizeBytes })

test('what is remembered comes back, newest first, each upload once', () => {
  const store = createStore()
  remember(upload('1'), store)
  remember(upload('2'), store)
  remember({ ...upload('1'), draft: { ...EMPTY_DRAFT, caption: 'words' } }, store)

  expect(readRemembered(store).map((item) => item.uploadId)).toEqual(['1', '2'])
  expect(readRemembered(store)[0]!.draft.caption).toBe('words')
  forget('1', store)
  expect(readRemembered(store).map((item) => item.uploadId)).toEqual(['2'])
})

test('a store with rubbish in it remembers nothing and breaks nothing', () => {
  expect(readRemembered(createStore('{'))).toEqual([])
  expect(readRemembered(createStore('{"a":1}'))).toEqual([])
  expect(readRemembered(createStore('[null, 3, {"uploadId":"x"}]'))).toEqual([])
})

test('a file chosen again continues its upload, also under a new name', () => {
  const found = findUnfinished(
    { name: 'b.mp4', sizeBytes: 100, modifiedAtMs: 1 },
    [receipt('1')],
    [upload('1')],
  )
  expect(found?.id).toBe('1')
})

test('on another device, name and size must both be the same', () => {
  const file = { name: 'a.mp4', sizeBytes: 100, modifiedAtMs: 77 }
  expect(findUnfinished(file, [receipt('1')], [])?.id).toBe('1')
  expect(findUnfinished({ ...file, sizeBytes: 101 }, [receipt('1')], [])).toBeNull()
  expect(findUnfinished({ ...file, name: 'c.mp4' }, [receipt('1')], [])).toBeNull()
})

test('an upload that the server has ended is not continued', () => {
  expect(findUnfinished({ name: 'x.mp4', sizeBytes: 100, modifiedAtMs: 1 }, [], [upload('1')])).toBeNull()
})

test('who signs out leaves only words that the server does not have, or nothing', () => {
  const store = createStore()
  remember(upload('sent'), store)
  remember({ ...upload('unsent'), isDraftUnsent: true }, store)
  remember({ ...upload('of another'), accountId: 'other' }, store)
  const ids = () => readRemembered(store).map((item) => item.uploadId)

  forgetOf('me', 'sent', store)
  expect(ids()).toEqual(['of another', 'unsent'])
  forgetOf('me', 'all', store)
  expect(ids()).toEqual(['of another'])
})
