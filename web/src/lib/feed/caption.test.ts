import { expect, test } from 'vitest'
import { linkCaption } from './caption.ts'

test('hashtags and mentions lead to their pages, and nothing of the caption is lost', () => {
  const caption = 'Look, @ann.b: #Größe! (mail me@example.org) #1'
  const parts = linkCaption(caption)
  expect(parts.map((part) => part.text).join('')).toBe(caption)
  expect(parts.filter((part) => part.href).map((part) => [part.text, part.href])).toEqual([
    ['@ann.b', '/@ann.b'],
    ['#Größe', '/tag/gr%C3%B6%C3%9Fe'],
  ])
})
