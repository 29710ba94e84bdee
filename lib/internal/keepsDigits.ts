/**
 * Whether a decimal number is the same when JavaScript has read and written it. An integer must be written by the same digits
 * again; of one with a point or an exponent it is enough that the nearest number is the same for as many digits as there are: `0.10000000000000001` is how
 * other languages write 0.1.
 *
 * @param literal a number as JSON or YAML has it, in base 10
 */
export function keepsDigits(literal: string): boolean {
  const value = Number(literal);
  if (!Number.isFinite(value)) return false;
  const given = decimalOf(literal);
  if (sameDecimal(given, decimalOf(String(value)))) return true;
  const { digits } = given;
  if (/^[-+]?\d+$/.test(literal) || digits.length > 100) return false;
  return sameDecimal(given, decimalOf(value.toPrecision(digits.length)));
}

/** `digits` times ten to the power of `exponent`, without zeros at either end; zero has no digits. The sign is left out. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

function decimalOf(literal: string): Decimal {
  const [, whole, part, power] = /^[-+]?(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(literal) as unknown as string[];
  const all = `${whole}${part}`.replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return { digits, exponent: 0 };
  return { digits, exponent: Number(power ?? 0) - part!.length + all.length - digits.length };
}

function sameDecimal(a: Decimal, b: Decimal): boolean {
  return a.digits === b.digits && a.exponent === b.exponent;
}
