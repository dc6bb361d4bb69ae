//! The pieces of SQL that another engine spells otherwise.

use super::Db;

/// Rows of one statement, the largest first.
const CHUNKS: [usize; 4] = [128, 32, 8, 1];

/// Behind a table: the rows are walked in the order of their numbers.
pub(crate) const IN_ROW_ORDER: &str = " NOT INDEXED";

/// Names the index of a walk.
pub(crate) fn index_hint(index: &'static str) -> String {
    format!(" INDEXED BY {index}")
}

/// A condition: `column` contains `text`. Not LIKE: nothing in `text` is special, and it may be of any length.
pub(crate) fn push_contains(sql: &mut sqlx::QueryBuilder<Db>, column: &'static str, text: String) {
    sql.push("instr(").push(column).push(", ").push_bind(text).push(") > 0");
}

/// A SELECT of `num`s of media in or just outside a box (west, south, east, north); the spatial index has single
/// precision. West above east crosses the antimeridian.
pub(crate) fn push_area(sql: &mut sqlx::QueryBuilder<Db>, [west, south, east, north]: [f64; 4]) {
    let boxes: &[(f64, f64)] = if west <= east { &[(west, east)] } else { &[(west, 180.0), (-180.0, east)] };
    for (n, (west, east)) in boxes.iter().enumerate() {
        sql.push(if n == 0 {
            "SELECT num FROM media_area WHERE west <= "
        } else {
            " UNION SELECT num FROM media_area WHERE west <= "
        });
        sql.push_bind(*east).push(" AND east >= ").push_bind(*west);
        sql.push(" AND south <= ").push_bind(north).push(" AND north >= ").push_bind(south);
    }
}

/// The month of a time in seconds since 1970, as `2026-11` in UTC.
pub(crate) fn month_of(seconds: &str) -> String {
    format!("strftime('%Y-%m', {seconds}, 'unixepoch')")
}

/// A condition: `column` is one of `numbers`.
pub(crate) fn push_numbers(sql: &mut sqlx::QueryBuilder<Db>, column: &'static str, numbers: &[i64]) {
    sql.push(column).push(" IN (SELECT value FROM json_each(").push_bind(list(numbers)).push("))");
}

/// Two tables: `found`, with one of `numbers` and the `num` of a media row for each row whose `column` is that number, and
/// `media`, whose row that is. The rows are found in `index` alone first, and read in the order in which they lie in the
/// file: thousands of them, one by one as the numbers come, would read each page again and again.
pub(crate) fn push_found(
    sql: &mut sqlx::QueryBuilder<Db>,
    index: &'static str,
    column: &'static str,
    condition: &'static str,
    numbers: &[i64],
) {
    // a cross join is done from left to right
    sql.push("(SELECT num, value AS number FROM json_each(").push_bind(list(numbers));
    sql.push(") CROSS JOIN media").push(index_hint(index)).push(" ON ").push(column).push(" = value AND ");
    sql.push(condition).push(" ORDER BY num) AS found CROSS JOIN media ON media.num = found.num");
}

fn list(numbers: &[i64]) -> String {
    serde_json::to_string(numbers).expect("numbers are JSON")
}

/// An aggregate: all rows as one text, a JSON array with an array of these columns for each.
pub(crate) fn rows_as_json(columns: &[&'static str]) -> String {
    format!("json_group_array(json_array({}))", columns.join(", "))
}

/// Splits rows for statements of [`CHUNKS`] rows: few round trips, and only a few texts to prepare.
pub(crate) fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let size = CHUNKS.into_iter().find(|size| *size <= rest.len())?;
        let (chunk, others) = rest.split_at(size);
        rest = others;
        Some(chunk)
    })
}

/// A condition, open at its end: `id` is the `media_id` of some entry of a JSON array in `plan`, in a row for which
/// `condition` holds. A value for `condition` and a `)` follow.
pub(crate) fn plan_ids(id: &'static str, plan: &'static str, condition: &'static str) -> String {
    let (table, _) = plan.split_once('.').expect("a table and a column");
    format!(
        "lower(hex({id})) IN (SELECT replace(json_extract(value, '$.media_id'), '-', '') FROM {table}, json_each({plan})
         WHERE {condition}"
    )
}
