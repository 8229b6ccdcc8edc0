/**
 * A bot's card has one text for all languages, often two of them side by side; a visitor should see
 * the one of their own. Only Chinese and English can be told apart by their letters.
 */

const HAN = /\p{Script=Han}/u

export function fitting(texts: readonly string[], language: string): string[] {
  if (language !== 'zh' && language !== 'en') return []
  return texts
    .flatMap((text) => text.split(/\s+\/\s+|\n+/))
    .map((text) => text.trim())
    .filter((text) => text !== '' && HAN.test(text) === (language === 'zh'))
}
