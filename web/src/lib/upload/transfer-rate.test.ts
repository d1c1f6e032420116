import { expect, test } from 'vitest'
import { createTransferMeter } from './transfer-rate.ts'

test('the rate is unknown until there is something to measure', () => {
  const meter = createTransferMeter()
  expect(meter.read(1000)).toEqual({ bytesPerS: null, timeLeftS: null })
  meter.note(0, 0)
  meter.note(500, 100)
  expect(meter.read(1000)).toEqual({ bytesPerS: null, timeLeftS: null })
})

test('a steady transfer tells its rate and what is left', () => {
  const meter = createTransferMeter()
  for (let second = 0; second <= 4; second++) meter.note(second * 1000, second * 1000)
  expect(meter.read(10_000)).toEqual({ bytesPerS: 1000, timeLeftS: 6 })
})

test('only the last seconds count', () => {
  const meter = createTransferMeter()
  meter.note(0, 0)
  for (let second = 20; second <= 40; second++) meter.note(second * 100, second * 1000)
  expect(meter.read(8000)).toEqual({ bytesPerS: 100, timeLeftS: 40 })
})

test('a transfer that stands still has no time left to tell', () => {
  const meter = createTransferMeter()
  meter.note(700, 0)
  meter.note(700, 2000)
  expect(meter.read(1000)).toEqual({ bytesPerS: 0, timeLeftS: null })
})

test('bytes that did not arrive are not counted as a negative speed', () => {
  const meter = createTransferMeter()
  meter.note(5000, 0)
  meter.note(9000, 1000)
  meter.note(6000, 2000)
  expect(meter.read(10_000).bytesPerS).toBeNull()
})
