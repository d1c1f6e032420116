/** Doors as Prometheus sees them. Read when it asks: a request costs nothing for it. */
import { Counter, Gauge, type Registry } from 'prom-client'
import { REFUSALS, type PriorityClass } from './core/index.ts'
import type { Door } from './door.ts'

const CLASSES: readonly PriorityClass[] = [0, 1, 2, 3]

/** Registers limit, requests under way, waiting and turned away of these doors. */
export function registerAdmissionMetrics(registry: Registry, doors: readonly Door[]): void {
  const registers = [registry]
  const gauge = (name: string, help: string, read: (door: Door) => number) =>
    new Gauge({
      name: `admission_${name}`,
      help,
      labelNames: ['door'],
      registers,
      collect() {
        for (const door of doors) this.set({ door: door.name }, read(door))
      },
    })
  gauge('limit', 'Requests that may be under way at once, as found just now.', ({ gate }) => gate.limit)
  gauge('in_flight', 'Requests under way.', ({ gate }) => gate.inFlight)
  gauge('usual_seconds', 'What a request takes in quiet.', ({ gate }) => gate.usualMs / 1_000)
  new Gauge({
    name: 'admission_waiting',
    help: 'Requests that wait at the door.',
    labelNames: ['door', 'class'],
    registers,
    collect() {
      for (const door of doors)
        for (const each of CLASSES)
          this.set({ door: door.name, class: `P${each}` }, door.gate.waitingOf(each))
    },
  })
  new Counter({
    name: 'admission_admitted_total',
    help: 'Requests that were let in.',
    labelNames: ['door', 'class'],
    registers,
    collect() {
      this.reset()
      for (const door of doors)
        for (const each of CLASSES)
          this.inc({ door: door.name, class: `P${each}` }, door.gate.admittedOf(each))
    },
  })
  new Counter({
    name: 'admission_shed_total',
    help: 'Requests that were turned away, and why.',
    labelNames: ['door', 'class', 'why'],
    registers,
    collect() {
      this.reset()
      for (const door of doors)
        for (const each of CLASSES)
          for (const why of REFUSALS)
            this.inc({ door: door.name, class: `P${each}`, why }, door.gate.refusedOf(each, why))
    },
  })
}
