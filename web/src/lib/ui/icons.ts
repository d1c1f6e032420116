/** Our own icon set: those of the first screen. The others come in one file with what shows failures. */
import { dot, ring, type IconShape } from './icon-shape.ts'
import type { moreIcons } from './more-icons.ts'

const drawn = {
  home: { lines: ['M4 11.2 12 4l8 7.2V19a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 19Z'], canFill: true },
  following: {
    lines: [
      ring(9, 8.2, 3.4),
      'M2.8 20c.4-4 2.7-6 6.2-6s5.8 2 6.2 6',
      'M16 5.2a3.2 3.2 0 0 1 0 6',
      'M18 14.4c1.9.8 3 2.6 3.2 5.2',
    ],
  },
  search: { lines: [ring(10.8, 10.8, 6.3), 'm15.6 15.6 4.6 4.6'] },
  plus: { lines: ['M12 5v14', 'M5 12h14'] },
  bell: {
    lines: ['M6 16.5V11a6 6 0 0 1 12 0v5.5l1.6 1.8H4.4Z', 'M9.8 20.6a2.4 2.4 0 0 0 4.4 0'],
    canFill: true,
  },
  person: { lines: [ring(12, 8, 4), 'M4.5 20.5c.6-4.3 3.2-6.5 7.5-6.5s6.9 2.2 7.5 6.5'] },
  heart: {
    lines: [
      'M12 20.2C5.8 16 3 12.7 3 9.1 3 6.3 5.1 4.3 7.6 4.3c1.8 0 3.4 1 4.4 2.7 1-1.7 2.6-2.7 4.4-2.7 2.5 0 4.6 2 4.6 4.8 0 3.6-2.8 6.9-9 11.1Z',
    ],
    canFill: true,
  },
  comment: {
    lines: [
      'M12 4c5 0 9 3.2 9 7.3s-4 7.3-9 7.3c-.9 0-1.8-.1-2.6-.3L5 20.5l.700-3.6C4.1 15.5 3 13.5 3 11.3 3 7.2 7 4 12 4Z',
    ],
    canFill: true,
  },
  bookmark: {
    lines: ['M6.5 4h11A1.5 1.5 0 0 1 19 5.5V20.5l-7-4.7-7 4.7V5.5A1.5 1.5 0 0 1 6.5 4Z'],
    canFill: true,
  },
  share: {
    lines: ['M13.5 4.5 21 11l-7.5 6.5V13.6C8.5 13.6 5.3 15.3 3 19c.5-6.2 4-10 10.5-10.6Z'],
    canFill: true,
  },
  play: {
    lines: ['M7 4.8v14.4a.8.8 0 0 0 1.2.7l11.6-7.2a.8.8 0 0 0 0-1.4L8.2 4.1a.8.8 0 0 0-1.2.7Z'],
    canFill: true,
  },
  pause: { lines: ['M8 5v14', 'M16 5v14'] },
  sound: {
    lines: ['M4 9.5v5h3.5L12 18.5v-13L7.5 9.5Z', 'M15.5 9a4.2 4.2 0 0 1 0 6', 'M18 6.5a7.7 7.7 0 0 1 0 11'],
  },
  muted: { lines: ['M4 9.5v5h3.5L12 18.5v-13L7.5 9.5Z', 'm16 9.5 5 5', 'm21 9.5-5 5'] },
  more: { lines: [], dots: [dot(5, 12, 1.7), dot(12, 12, 1.7), dot(19, 12, 1.7)] },
  settings: {
    lines: [
      'M4 7.5h9',
      'M18.5 7.5H20',
      ring(15.7, 7.5, 2.5),
      'M4 16.5h1.5',
      'M11 16.5h9',
      ring(8.3, 16.5, 2.5),
    ],
  },
  info: { lines: [ring(12, 12, 8.7), 'M12 11v5'], dots: [dot(12, 8, 1.15)] },
} as const satisfies Record<string, IconShape>

export type IconName = keyof typeof drawn | keyof typeof moreIcons

/** The icons that are here from the beginning. */
export const icons: Readonly<Partial<Record<IconName, IconShape>>> = drawn
