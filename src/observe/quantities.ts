const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `0 B`, `999 B`, `1.2 GB`: decimal units, as disks and networks are sold; three or four digits. */
export function showBytes(bytes: number): string {
  let value = bytes;
  let index = 0;
  // 999.95 would be shown as 1000.0
  while (value >= (index === 0 ? 1000 : 999.95) && index < units.length - 1) {
    value /= 1000;
    index += 1;
  }
  return `${index === 0 ? String(Math.round(value)) : value.toFixed(1)} ${units[index] ?? 'B'}`;
}

/** `0:07`, `12:34`, `1:02:03`: what is left or has passed, in whole seconds. */
export function showSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `2026-11-21 23:59:59.123` in local time, as in the server's log. */
export function showTime(iso: string): string {
  const time = new Date(iso);
  // Shifted by the offset, so that what is written as UTC reads as local time.
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000)
    .toISOString()
    .slice(0, 23)
    .replace('T', ' ');
}

/** `43.2 %`, rounded down, so that 100 % means all. */
export function showPercent(percent: number): string {
  return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
}
