import { expect, test } from 'vitest'
import { Returners } from './returners.ts'
import { createAsker, Ticket, type Asker } from './ticket.ts'
import type { PriorityClass } from './types.ts'

const ADA = 7
const BOB = 8

function ticketOf(asker: Asker, priorityClass: PriorityClass = 1, person = ADA): Ticket {
  const ticket = new Ticket(priorityClass, 0, person)
  ticket.asker = asker
  return ticket
}

/** So many refusals a second, until 400 ms. */
function refuse(returners: Returners, ratePerS: number): void {
  for (let nowMs = 0; nowMs <= 400; nowMs += 1_000 / ratePerS)
    returners.noteRefused(ticketOf(createAsker()), nowMs)
}

test('where saying no takes most of the thread, whoever comes again at once is held until it has waited for a second', () => {
  const returners = new Returners(() => 0)
  const asker = createAsker()
  refuse(returners, 8_000)
  returners.noteRefused(ticketOf(asker), 400)

  expect(returners.holdMsOf(ticketOf(asker), 410)).toBe(990)
  expect(returners.holdMsOf(ticketOf(asker), 1_399)).toBe(1)
  expect(returners.holdMsOf(ticketOf(asker), 1_400)).toBe(0)
})

test('neither is who was not turned away, nor another person, nor what is of a higher class', () => {
  const returners = new Returners(() => 0)
  const asker = createAsker()
  refuse(returners, 8_000)
  returners.noteRefused(ticketOf(asker), 400)

  expect(returners.holdMsOf(ticketOf(createAsker()), 410)).toBe(0)
  expect(returners.holdMsOf(ticketOf(asker, 1, BOB), 410)).toBe(0)
  expect(returners.holdMsOf(ticketOf(asker, 0), 410)).toBe(0)
  expect(returners.holdMsOf(ticketOf(asker, 2), 410)).toBe(990)
})

test('on a thread that is starved they are held where refusals are many times what is let in', () => {
  const returners = new Returners(() => 0)
  const busy = new Returners(() => 0)
  const asker = createAsker()
  refuse(returners, 2_000)
  for (let n = 0; n < 4_000; n++) {
    if (n % 10 < 5) busy.noteAdmitted()
    busy.noteRefused(ticketOf(createAsker()), n / 5)
  }
  returners.noteRefused(ticketOf(asker), 400)

  expect(returners.holdMsOf(ticketOf(asker), 410)).toBe(990)
  busy.noteRefused(ticketOf(asker), 800)
  expect(busy.holdMsOf(ticketOf(asker), 810)).toBe(0)
})

test('nobody is held for what refusals cost the thread when they are few, or for one burst of them', () => {
  const few = new Returners(() => 0)
  const burst = new Returners(() => 0)
  const asker = createAsker()
  refuse(few, 400)
  for (let n = 0; n < 500; n++) burst.noteRefused(ticketOf(asker), 300)

  few.noteRefused(ticketOf(asker), 400)
  burst.noteRefused(ticketOf(asker), 400)

  expect([few, burst].map((each) => each.holdMsOf(ticketOf(asker), 410))).toEqual([0, 0])
})
