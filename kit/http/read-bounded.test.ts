import { expect, test } from 'vitest'
import { AnswerTooLongError, readBounded } from './read-bounded.ts'

const bodyOf = (...pieces: string[]) => new Response(new Blob(pieces)).body

test('an answer is read whole up to its limit, and not a byte further', async () => {
  expect((await readBounded(bodyOf('four', 'five'), 8)).toString()).toBe('fourfive')
  await expect(readBounded(bodyOf('four', 'five', '!'), 8)).rejects.toThrow(AnswerTooLongError)
  expect(await readBounded(null, 8)).toHaveLength(0)
})

test('what is too long is not read to its end', async () => {
  let given = 0
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      given++
      controller.enqueue(new Uint8Array(1_000))
    },
  })
  await expect(readBounded(endless, 3_000)).rejects.toThrow('longer than 3000 bytes')
  expect(given).toBeLessThan(10)
})
