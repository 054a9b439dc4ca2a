/** A report for people. The same lines go to the terminal. */
import type { LoadFigures, Percentiles } from '../figures.ts';
import type { Observation, Report } from './report.ts';

export function markdownOf(report: Report, charts: readonly string[]): readonly string[] {
  const { scenario, at, commandLine, machine, sale, subjects, loads, observations, broken } = report;
  return [
    `# ${scenario}, ${at}`,
    '',
    `\`${commandLine}\``,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, commit ${machine.commit}, load average before ${machine.loadBefore}. ` +
      `Generator (${report.generators} processes, driver \`${report.driver}\`), ${sharing(report)}.`,
    '',
    `${sale.users} users, ${sale.zones} zones of ${sale.seatsPerZone} seats, at most ${sale.maxPerUser} per user, holds of ${report.holdSeconds} s.`,
    '',
    ...loadTable(loads),
    '',
    ...costTable(loads),
    '',
    ...observations.map(observationLine),
    ...(observations.length > 0 ? [''] : []),
    ...subjects.flatMap(storeLines),
    '',
    '## Promises',
    '',
    ...subjects.flatMap(({ name, verified }) => verified.proved.map((claim) => `- ${name}: ${claim}`)),
    ...broken.slice(0, brokenMax).map((sentence) => `- **broken:** ${sentence}`),
    '',
    broken.length === 0 ? '**Every promise that was examined held.**' : '**NO SCORE: this run broke a promise.**',
    ...(charts.length > 0 ? ['', ...charts.map((file) => `![${file}](${file})`)] : []),
  ];
}

function sharing({ serverCores }: Report): string {
  return serverCores === 0
    ? 'server and stores share the machine unless a target was given'
    : `on other cores than server and stores, which have ${serverCores}`;
}

export function observationLine({ what, value, aim }: Observation): string {
  return `- ${what}: **${value}**${aim ? ` (aim: ${aim.text}: ${aim.met ? 'met' : '**not met**'})` : ''}`;
}

const brokenMax = 20;

function loadTable(loads: readonly LoadFigures[]): readonly string[] {
  return [
    'Latencies in ms from the intended time, of every request due in the measured time, answered or not.',
    '',
    '| subject | load | offered/s | accepted/s | refused/s | shed/s | failed | P50 | P90 | P99 | P99.9 | max | P99 accepted | P50 · P99 from send | backlog max |',
    '|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...loads.map((load) => {
      const { perSecond, counts, all, accepted, fromSend } = load;
      return row([
        load.subject,
        `${load.label} (${load.loop}, ${load.connections} connections, ${load.measuredSeconds} s after ${load.warmUpSeconds} s)`,
        ...[load.offeredPerSecond, perSecond.accepted, perSecond.refused, perSecond.shed].map(whole),
        failures(load, counts.failed),
        ...percentileCells(all),
        ms(accepted.p99),
        `${ms(fromSend.p50)} · ${ms(fromSend.p99)}`,
        whole(load.backlogMax),
      ]);
    }),
  ];
}

function failures({ reasons }: LoadFigures, failed: number): string {
  if (failed === 0) return '0';
  const why = Object.entries(reasons).filter(([reason]) => !/^\d+$/.test(reason));
  return `${failed} (${why.map(([reason, count]) => `${reason}: ${count}`).join(', ')})`;
}

function percentileCells({ p50, p90, p99, p999, max }: Percentiles): readonly string[] {
  return [p50, p90, p99, p999, max].map(ms);
}

function costTable(loads: readonly LoadFigures[]): readonly string[] {
  return [
    'Processor time a request answered (µs), of the measured time; memory of the server (MB); what the server says of itself.',
    '',
    '| subject | load | server | Redis | PostgreSQL | generator | generator late P99 · max ms | cores in use | MB before · most · after | batch mean | Lua · commit ms | event loop P99 ms |',
    '|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...loads.map(({ subject, label, cost, lateness, server, fromSend, measuredSeconds }) => {
      const { server: node, redis, postgres, generator } = cost.cpuSeconds;
      const each = (seconds: number | null) =>
        seconds === null || fromSend.count === 0 ? '–' : ((seconds * 1e6) / fromSend.count).toFixed(1);
      const total = [node, redis, postgres, generator].reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0);
      const { before, most, after } = cost.residentMb;
      return row([
        ...[subject, label, each(node), each(redis), each(postgres), each(generator)],
        `${ms(lateness.p99Ms)} · ${ms(lateness.maxMs)}`,
        (total / measuredSeconds).toFixed(2),
        [before, most, after].map((mb) => mb ?? '–').join(' · '),
        server?.batchMean?.toFixed(1) ?? '–',
        ['lua', 'commit'].map((stage) => server?.stageMs[stage]?.toFixed(2) ?? '–').join(' · '),
        server?.eventLoopP99Ms?.toFixed(1) ?? '–',
      ]);
    }),
  ];
}

function storeLines({ name, stores }: Report['subjects'][number]): readonly string[] {
  if (!stores) return [`${name}: stores unknown`];
  const list = (facts: Readonly<Record<string, string>>) =>
    Object.entries(facts)
      .map(([setting, value]) => `${setting} ${value}`)
      .join(', ');
  return [`${name}: PostgreSQL ${list(stores.postgres)}; Redis ${list(stores.redis)}`, ''];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function whole(value: number): string {
  return String(Math.round(value));
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0);
}
