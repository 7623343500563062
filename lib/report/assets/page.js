// page.js - draws the report's charts with Vega-Lite. Each is drawn from the very table that its CSV link saves.
(() => {
  'use strict';
  const { thresholds, tau, unit } = JSON.parse(document.getElementById('marks').textContent);
  // On the page, colours are its own variables: charts follow light, dark and print without being drawn again. Saved
  // charts have those of paper.
  const paper = {
    ink: '#1d1f24', soft: '#5c6068', line: '#dcd9d0', train: '#2f6690', holdout: '#a0783c', control: '#4b7f52',
    found: '#a93f22', chance: '#6b4a8e', genuine: '#7a7f89', impostor: '#a8adb5',
  };
  const live = Object.fromEntries(Object.keys(paper).map((name) => [name, `var(--${name})`]));

  // Quoted fields hold no line ends here.
  function readTable(link) {
    const text = decodeURIComponent(link.href.slice(link.href.indexOf(',') + 1));
    const [header, ...lines] = text.trim().split('\n').map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map((m) => m[1])
        .map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field)));
    return lines.map((line) =>
      Object.fromEntries(header.slice(0, header.length).filter((name) => name !== '').map((name, i) => {
        const field = line[i] ?? '';
        return [name, field === '' ? null : Number.isNaN(Number(field)) ? field : Number(field)];
      })));
  }
  const has = (rows, name) => rows.some((row) => row[name] !== null && row[name] !== undefined);
  const extent = (rows, ...names) => {
    const all = rows.flatMap((row) => names.map((name) => row[name])).filter((v) => typeof v === 'number');
    return all.length > 0 ? [Math.min(...all), Math.max(...all)] : [0, 1];
  };

  function frame(c, more) {
    return {
      $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
      width: 'container',
      height: 240,
      autosize: { type: 'fit-x', contains: 'padding' },
      padding: { left: 2, right: 10, top: 8, bottom: 2 },
      config: {
        background: null,
        font: 'system-ui, sans-serif',
        view: { stroke: null },
        axis: {
          labelColor: c.soft, titleColor: c.soft, titleFontWeight: 'normal', titleFontSize: 12, labelFontSize: 11,
          domainColor: c.line, tickColor: c.line, gridColor: c.line, gridOpacity: 0.6, titlePadding: 8,
          labelFlush: false, labelOverlap: true, labelSeparation: 6,
        },
        legend: {
          orient: 'top', title: null, labelColor: c.ink, labelFontSize: 12, symbolType: 'square', symbolSize: 110,
          symbolStrokeWidth: 0, symbolOpacity: 1, offset: 6, columnPadding: 14,
          columns: matchMedia('(max-width: 36rem)').matches ? 2 : 6,
        },
        text: { font: 'system-ui, sans-serif' },
      },
      ...more,
    };
  }
  // One legend for all series of a chart.
  const colours = (series) => ({
    field: 'series',
    scale: { domain: series.map((s) => s.name), range: series.map((s) => s.colour) },
    legend: series.length > 1 ? {} : null,
  });
  const scoreAxis = (domain, title) => ({
    field: 'score',
    type: 'quantitative',
    title,
    scale: { domain, nice: false, zero: false },
    axis: { grid: false, tickCount: 8 },
  });

  // Small texts above the plot would overlap where thresholds are close: each stands in the lowest row where it
  // has room. A text is about 64 pixels wide.
  function thresholdLines(c, x, [low, high], width) {
    const inside = thresholds.filter((t) => t.score > low && t.score < high);
    const room = (64 / Math.max(width - 60, 100)) * (high - low);
    const marks = [];
    for (const t of inside) {
      const taken = marks.filter((m) => Math.abs(m.score - t.score) < room).map((m) => m.row);
      let row = 0;
      while (taken.includes(row)) row++;
      marks.push({ ...t, row });
    }
    if (marks.length === 0) return { layers: [], rows: 0 };
    const rows = Math.max(...marks.map((m) => m.row)) + 1;
    const layers = [
      {
        data: { values: marks },
        mark: { type: 'rule', color: c.chance, strokeDash: [3, 3], strokeWidth: 1 },
        encoding: { x, tooltip: [{ field: 'label', title: 'threshold' }, { field: 'score', format: '.3f' }] },
      },
      ...[...Array(rows).keys()].map((row) => ({
        data: { values: marks.filter((m) => m.row === row) },
        mark: { type: 'text', color: c.chance, fontSize: 10, baseline: 'bottom', y: -2 - 11 * row },
        encoding: { x, text: { field: 'label' } },
      })),
    ];
    return { layers, rows };
  }
  // The legend stands above the texts of the thresholds.
  const above = (chart, rows) => {
    chart.config.legend.offset = 8 + 11 * rows;
    return chart;
  };

  function nearest(rows, c, width) {
    const domain = extent(rows, 'score', 'end');
    const x = scoreAxis(domain, 'score');
    const y = { field: 'share', type: 'quantitative', title: `share of synthetic ${unit}`,
      axis: { format: '.0%', tickCount: 5 } };
    const held = has(rows, 'holdout'), controlled = has(rows, 'control'), calibrated = has(rows, 'genuine'),
      paired = has(rows, 'holdout_pairs');
    const series = [{ name: 'training', colour: c.train }];
    if (held) series.push({ name: 'hold-out', colour: c.holdout });
    if (controlled) series.push({ name: 'controls', colour: c.control });
    // Of impostors, a table that begins above most of them shows only a tail, which would look like the whole.
    const areas = [['one person', 'genuine', c.genuine], ['strangers', 'impostor', c.impostor]]
      .filter(([, field]) => calibrated && rows.reduce((sum, row) => sum + (row[field] ?? 0), 0) > 0.5);
    for (const [name, , colour] of areas) series.push({ name, colour });
    if (paired) series.push({ name: 'all pairs with the hold-out', colour: c.soft });
    const color = colours(series);
    const steps = (name, field) => {
      const known = rows.filter((row) => row[field] !== null);
      const last = known.at(-1);
      return [{ score: known[0].score, share: 0, series: name },
        ...known.map((row) => ({ score: row.score, share: row[field], series: name })),
        { score: last.end, share: last[field], series: name }, { score: last.end, share: 0, series: name }];
    };
    // The areas of the calibration set are scaled to the height of the others: they are shares of pairs.
    const highest = Math.max(...rows.flatMap((row) => [row.train, row.holdout, row.control].map((v) => v ?? 0)));
    const curve = (name, field) => {
      const known = rows.filter((row) => row[field] !== null);
      const top = Math.max(...known.map((row) => row[field]));
      return known.map((row) => ({ score: (row.score + row.end) / 2, share: (row[field] / top) * highest * 0.8,
        series: name }));
    };
    const layer = [];
    if (calibrated)
      for (const [name, field] of areas)
        layer.push({
          data: { values: curve(name, field) },
          mark: { type: 'area', interpolate: 'monotone', opacity: 0.3 },
          encoding: { x, y: { ...y, stack: null }, color },
        });
    if (paired)
      layer.push({
        data: { values: curve('all pairs with the hold-out', 'holdout_pairs') },
        mark: { type: 'line', interpolate: 'monotone', strokeWidth: 1.2, strokeDash: [1, 3] },
        encoding: { x, y, color },
      });
    layer.push({
      data: { values: rows.filter((row) => row.train !== null).map((row) => ({ ...row, share: row.train,
        series: 'training' })) },
      mark: { type: 'bar', opacity: 0.65, binSpacing: 0.5 },
      encoding: {
        x: { ...x, bin: 'binned' }, x2: { field: 'end' }, y, color,
        tooltip: [{ field: 'score', format: '.2f' }, { field: 'train', title: 'training', format: '.2%' },
          ...(held ? [{ field: 'holdout', title: 'hold-out', format: '.2%' }] : [])],
      },
    });
    for (const [name, field, there, dash] of [['hold-out', 'holdout', held, []], ['controls', 'control', controlled, [4, 2]]])
      if (there)
        layer.push({
          data: { values: steps(name, field) },
          mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.8, strokeDash: dash },
          encoding: { x, y, color },
        });
    const lines = thresholdLines(c, x, domain, width);
    return above(frame(c, { height: 280, layer: [...layer, ...lines.layers] }), lines.rows);
  }

  function curves(rows, c, width) {
    const domain = extent(rows, 'score');
    const x = scoreAxis(domain, 'score');
    const y = { type: 'quantitative', title: 'share at or above', scale: { domain: [0, 1] },
      axis: { format: '.0%', tickCount: 5 } };
    const all = [['training', 'train', c.train], ['hold-out', 'holdout', c.holdout], ['controls', 'control', c.control]]
      .filter(([, field]) => has(rows, field));
    const color = colours(all.map(([name, , colour]) => ({ name, colour })));
    const layer = all.flatMap(([name, field]) => {
      const values = rows.filter((row) => row[field] !== null).map((row) => ({ score: row.score, share: row[field],
        low: row[`${field}_low`], high: row[`${field}_high`], series: name }));
      return [
        { data: { values: values.filter((v) => typeof v.low === 'number') }, mark: { type: 'area', opacity: 0.18 },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color } },
        { data: { values }, mark: { type: 'line', strokeWidth: 2 },
          encoding: { x, y: { ...y, field: 'share' }, color,
            tooltip: [{ field: 'series', title: ' ' }, { field: 'score', format: '.2f' },
              { field: 'share', format: '.2%' }] } },
      ];
    });
    const lines = thresholdLines(c, x, domain, width);
    return above(frame(c, { layer: [...layer, ...lines.layers] }), lines.rows);
  }

  function excess(rows, c, width) {
    const domain = extent(rows, 'score');
    const x = scoreAxis(domain, 'score');
    const y = { type: 'quantitative', title: 'excess', axis: { format: '+.0%', tickCount: 5 } };
    const lines = thresholdLines(c, x, domain, width);
    return frame(c, {
      padding: { left: 2, right: 10, top: 8 + 11 * lines.rows, bottom: 2 },
      layer: [
        { data: { values: rows }, mark: { type: 'area', color: c.train, opacity: 0.18 },
          encoding: { x, y: { ...y, field: 'excess_low' }, y2: { field: 'excess_high' } } },
        { data: { values: [{}] }, mark: { type: 'rule', color: c.ink }, encoding: { y: { datum: 0 } } },
        { data: { values: rows }, mark: { type: 'line', color: c.train, strokeWidth: 2 },
          encoding: { x, y: { ...y, field: 'excess' },
            tooltip: [{ field: 'score', format: '.2f' }, { field: 'excess', format: '+.2%' }] } },
        ...lines.layers,
      ],
    });
  }

  function margins(rows, c) {
    const series = [{ name: 'closest to training', colour: c.train }, { name: 'closest to a hold-out', colour: c.holdout }];
    const values = rows.flatMap((row) => [
      { ...row, n: row.closer_to_training, height: row.closer_to_training, series: series[0].name },
      { ...row, n: row.closer_to_holdout, height: -row.closer_to_holdout, series: series[1].name },
    ]);
    const x = { field: 'margin', type: 'quantitative', title: 'size of the margin', axis: { grid: false, tickCount: 8 } };
    // A square-root scale: the few with large margins, which decide, stay visible beside the many with small ones.
    const y = { field: 'height', type: 'quantitative', title: `synthetic ${unit}`, scale: { type: 'sqrt', nice: true },
      axis: { labelExpr: 'abs(datum.value)', tickCount: 6 } };
    const layer = [
      { data: { values }, mark: { type: 'bar', binSpacing: 0.5, opacity: 0.85 },
        encoding: { x: { ...x, bin: 'binned' }, x2: { field: 'end' }, y, y2: { datum: 0 }, color: colours(series),
          tooltip: [{ field: 'series', title: ' ' }, { field: 'margin', format: '.2f' }, { field: 'n', title: unit }] } },
      { mark: { type: 'rule', color: c.ink, strokeWidth: 1 }, data: { values: [{}] }, encoding: { y: { datum: 0 } } },
    ];
    if (tau !== null) {
      const data = { values: [{ margin: tau }] };
      const late = tau > 0.6 * extent(rows, 'end')[1];
      layer.push({ data, mark: { type: 'rule', color: c.found, strokeWidth: 1.5 }, encoding: { x } });
      layer.push({ data, encoding: { x },
        mark: { type: 'text', text: late ? '\u2190 below: no discoveries' : 'discoveries \u2192', color: c.found,
          align: late ? 'right' : 'left', dx: late ? -5 : 5, y: 4, fontWeight: 600 } });
    }
    return frame(c, { height: 270, layer });
  }

  function roc(rows, c) {
    const points = rows.filter((row) => row.fpr > 0 && row.tpr > 0);
    const low = Math.min(...points.map((row) => Math.min(row.fpr, row.tpr)), 0.1);
    const scale = { type: 'log', domain: [10 ** Math.floor(Math.log10(low)), 1], nice: false };
    const axis = { format: '~%', labelOverlap: true,
      values: Array.from({ length: 1 - Math.floor(Math.log10(low)) }, (_, i) => 10 ** -i) };
    const x = { field: 'fpr', type: 'quantitative', title: 'hold-out persons found by mistake', scale, axis };
    const y = { field: 'tpr', type: 'quantitative', title: 'training persons found', scale, axis };
    const ends = [{ fpr: scale.domain[0], tpr: scale.domain[0] }, { fpr: 1, tpr: 1 }];
    return frame(c, {
      layer: [
        { data: { values: ends }, mark: { type: 'line', color: c.soft, strokeDash: [3, 3], strokeWidth: 1 },
          encoding: { x, y } },
        { data: { values: points },
          mark: { type: 'line', color: c.train, strokeWidth: 2, interpolate: 'step-after',
            point: { filled: true, fill: c.train, stroke: c.train, size: 22 } },
          encoding: { x, y, order: { field: 'fpr' },
            tooltip: [{ field: 'fpr', title: 'by mistake', format: '.2%' }, { field: 'tpr', title: 'found', format: '.2%' },
              { field: 'score', format: '.3f' }] } },
      ],
    });
  }

  function inDegree(rows, c) {
    const series = [{ name: 'training', colour: c.train }, { name: 'hold-out', colour: c.holdout }];
    const label = (row) => (row.up_to > row.nearest_to ? `${row.nearest_to}\u2013${row.up_to}` : `${row.nearest_to}`);
    const values = rows.flatMap((row) => [
      { bin: label(row), share: row.training_share, n: row.training_persons, series: 'training' },
      { bin: label(row), share: row.holdout_share, n: row.holdout_persons, series: 'hold-out' },
    ]);
    return frame(c, {
      data: { values },
      mark: { type: 'bar', opacity: 0.85 },
      encoding: {
        x: { field: 'bin', type: 'ordinal', sort: null, title: `synthetic ${unit} nearest to one person`,
          axis: { labelAngle: 0 } },
        xOffset: { field: 'series', sort: ['training', 'hold-out'] },
        y: { field: 'share', type: 'quantitative', title: 'real persons', axis: { format: '.0%', tickCount: 5 } },
        color: colours(series),
        tooltip: [{ field: 'series', title: ' ' }, { field: 'bin', title: 'nearest to' }, { field: 'n', title: 'persons' }],
      },
    });
  }

  function strata(rows, c) {
    const order = rows.map((row) => row.stratum);
    const values = rows.flatMap((row) => ['train', 'holdout'].map((gallery) => ({
      stratum: row.stratum, n: row.units, found: row.discoveries, series: gallery === 'train' ? 'training' : 'hold-out',
      low: row[`${gallery}_q25`], median: row[`${gallery}_median`], high: row[`${gallery}_q75`],
    })).filter((v) => v.median !== null));
    const series = [{ name: 'training', colour: c.train }, { name: 'hold-out', colour: c.holdout }];
    const y = { field: 'stratum', type: 'ordinal', sort: order, title: null,
      axis: { labelLimit: 130, grid: false, domain: false, ticks: false } };
    const yOffset = { field: 'series', sort: ['training', 'hold-out'] };
    const x = { type: 'quantitative', title: 'best score', scale: { zero: false }, axis: { tickCount: 6 } };
    return frame(c, {
      height: 40 * order.length + 10,
      data: { values },
      layer: [
        { mark: { type: 'rule', strokeWidth: 2.5 },
          encoding: { y, yOffset, x: { ...x, field: 'low' }, x2: { field: 'high' },
            color: colours(has(rows, 'holdout_median') ? series : series.slice(0, 1)) } },
        { mark: { type: 'point', filled: true, size: 60, opacity: 1 },
          encoding: { y, yOffset, x: { ...x, field: 'median' },
            color: colours(has(rows, 'holdout_median') ? series : series.slice(0, 1)),
            tooltip: [{ field: 'stratum', title: ' ' }, { field: 'series', title: 'gallery' },
              { field: 'median', format: '.3f' }, { field: 'n', title: unit }, { field: 'found', title: 'discoveries' }] } },
      ],
    });
  }

  function matchers(rows, c) {
    const names = { neither: 'found by neither', first: 'first only', second: 'second only', both: 'both' };
    const series = [{ name: names.neither, colour: c.impostor }, { name: names.first, colour: c.train },
      { name: names.second, colour: c.holdout }, { name: names.both, colour: c.found }];
    const values = rows.map((row) => ({ ...row, series: names[row.found_by] }));
    const axis = (field, title) => ({ field, type: 'quantitative', title, scale: { zero: true }, axis: { tickCount: 6 } });
    const x = axis('first_margin', 'margin, first matcher'), y = axis('second_margin', 'margin, second matcher');
    return frame(c, {
      height: 280,
      layer: [
        { data: { values: [{}] }, mark: { type: 'rule', color: c.soft }, encoding: { x: { datum: 0 } } },
        { data: { values: [{}] }, mark: { type: 'rule', color: c.soft }, encoding: { y: { datum: 0 } } },
        { data: { values }, mark: { type: 'point', filled: true, size: 18, opacity: 0.75 },
          encoding: { x, y, color: { ...colours(series), legend: { symbolType: 'circle' } } } },
      ],
    });
  }

  const makers = { nearest, curves, excess, margins, roc, in_degree: inDegree, strata, matchers };
  const options = { ast: true, actions: false, defaultStyle: false, tooltip: { theme: 'custom' } };

  function save(name, url) {
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
  }
  // Drawn again in the colours and the size of paper, out of sight.
  async function saveAs(kind, name, make) {
    const place = document.createElement('div');
    place.className = 'offscreen';
    place.setAttribute('aria-hidden', 'true');
    document.body.append(place);
    try {
      const spec = { ...make(paper, 700), width: 700, background: '#ffffff' };
      spec.padding = 12;
      const { view, finalize } = await vegaEmbed(place, spec, { ...options, renderer: kind === 'png' ? 'canvas' : 'svg' });
      if (kind === 'png') {
        save(name, await view.toImageURL('png', 2));
      } else {
        const url = URL.createObjectURL(new Blob([await view.toSVG()], { type: 'image/svg+xml' }));
        save(name, url);
        setTimeout(() => URL.revokeObjectURL(url), 10000);
      }
      finalize();
    } finally {
      place.remove();
    }
  }
  function button(text, label, act) {
    const b = document.createElement('button');
    b.type = 'button';
    b.textContent = text;
    b.setAttribute('aria-label', label);
    b.addEventListener('click', act);
    return b;
  }

  async function draw(element) {
    const row = element.parentElement.querySelector('.save');
    const { chart, name } = element.dataset;
    const failed = (error) => {
      element.textContent = 'This chart could not be drawn: ' + error.message;
      console.error(error);
    };
    try {
      const rows = readTable(row.querySelector('a'));
      if (rows.length === 0) {
        element.textContent = 'There is nothing to draw.';
        return;
      }
      const make = (colour, width) => makers[chart](rows, colour, width);
      await vegaEmbed(element, make(live, element.clientWidth), { ...options, renderer: 'svg' });
      // The chart as a whole is an image with a label; its marks would be read one by one.
      element.querySelector('svg').setAttribute('aria-hidden', 'true');
      for (const kind of ['svg', 'png'])
        row.append(' ', button(kind.toUpperCase(), `This figure as ${kind.toUpperCase()}`,
          () => saveAs(kind, `${name}.${kind}`, make).catch(failed)));
    } catch (error) {
      failed(error);
    }
  }
  // What is wider than the screen is scrolled with the arrow keys, so it takes the focus.
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries)
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute('tabindex');
  });
  for (const element of document.querySelectorAll('.scroll')) watch.observe(element);

  // One after the other, with the page usable in between.
  const pause = () => new Promise((go) => (window.requestIdleCallback ?? setTimeout)(go));
  (async () => {
    for (const element of document.querySelectorAll('[data-chart]')) {
      await pause();
      await draw(element);
    }
    document.documentElement.dataset.drawn = 'all';
  })();
})();
