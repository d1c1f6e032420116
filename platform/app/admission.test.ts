import { expect, test } from 'vitest'
import { Ticket } from '../../kit/admission/core/index.ts'
import { Door } from '../../kit/admission/index.ts'
import { countsOf } from './admission.ts'

const openDoorForOne = (maxWaiting: number) =>
  new Door({ name: 'process', initial: 1, min: 1, isFixed: true, isCutting: false, maxWaiting })

test('whoever says to have no patience is turned away and asks nobody to do less for all', () => {
  const door = openDoorForOne(10)

  for (let count = 0; count < 50; count++) door.enter(new Ticket(0, 1, 7, performance.now() - 1))

  expect(door.gate.refusedOf(0, 'deadline')).toBe(50)
  expect(countsOf(door).refused).toEqual([0, 0, 0, 0])
})

test('whoever is turned away for want of room counts', () => {
  const door = openDoorForOne(0)

  for (let count = 0; count < 3; count++) door.enter(new Ticket(1))

  expect(countsOf(door)).toEqual({ admitted: [0, 1, 0, 0], refused: [0, 2, 0, 0] })
})
