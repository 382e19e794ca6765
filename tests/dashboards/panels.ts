// What Grafana takes: its own types of a dashboard, with the options of each kind of panel that is used here, in the form
// that JSON has them in.
import type { Dashboard, FieldConfig, GraphFieldConfig, MatcherConfig, Panel, RowPanel, TableFieldOptions } from '@grafana/schema';
import type { Options as Heatmap } from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as Table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeries } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON knows no enums, only what they stand for, and what is left out has a default.
type Json<T> = unknown extends T ? T
    : T extends string ? `${T}`
    : T extends (infer Item)[] ? Json<Item>[]
    : T extends object ? { [Name in keyof T]: Json<T[Name]> }
    : T;
type Some<T> = T extends (infer Item)[] ? Some<Item>[]
    : T extends object ? { [Name in keyof T]?: Some<T[Name]> }
    : T;

// Prometheus's plugin brings its own types, which Grafana's schema leaves open.
interface Query {
    refId: string;
    datasource: { type: 'prometheus'; uid: '${datasource}' };
    expr: string;
    legendFormat: string;
    format?: 'time_series' | 'table' | 'heatmap';
    instant?: boolean;
}

// What is said of a field, for all of them and for some: by its own name, or as the panel's own.
type Said<Prefix extends string, T> = { [Name in keyof T & string]-?: { id: `${Prefix}${Name}`; value: Json<T[Name]> } }[keyof T & string];

type Fields<Custom> = {
    defaults: Json<Omit<FieldConfig, 'custom'>> & { custom?: Json<Partial<Custom>> };
    overrides: { matcher: Json<MatcherConfig>; properties: (Said<'', Omit<FieldConfig, 'custom'>> | Said<'custom.', Custom>)[] }[];
};

type Shows<Kind extends string, Options, Custom> = Json<Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'>> & {
    type: Kind;
    targets: Query[];
    options: Some<Json<Options>>;
    fieldConfig: Fields<Custom>;
};

export type Given = Json<Omit<Dashboard, 'panels'>> & {
    panels: (
        | Json<RowPanel>
        | Shows<'heatmap', Heatmap, {}>
        | Shows<'stat', Stat, {}>
        | Shows<'table', Table, TableFieldOptions>
        | Shows<'timeseries', TimeSeries, GraphFieldConfig>
    )[];
};
