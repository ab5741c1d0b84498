//! Fields that are parts of others: of a URL, of a path, of a user's name with a domain.

use std::borrow::Cow;

use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;
use crate::normalize::view::View;
use crate::normalize::view::part;

/// Fills in the parts of whatever is there.
pub(super) fn apply(view: &mut View<'_, '_>) {
    url(view);
    file(view);
    process(view);
    for (name, domain) in [
        (ecs::USER_NAME, ecs::USER_DOMAIN),
        (ecs::SOURCE_USER_NAME, ecs::SOURCE_USER_DOMAIN),
        (ecs::DESTINATION_USER_NAME, ecs::DESTINATION_USER_DOMAIN),
        (ecs::USER_TARGET_NAME, ecs::USER_TARGET_DOMAIN),
    ] {
        user(view, name, domain);
    }
}

/// Splits `scheme://user@host:port/path?query#fragment`, or `/path?query` as access logs have it.
fn url(view: &mut View<'_, '_>) {
    let Some(original) = view.text(ecs::URL_ORIGINAL).or_else(|| view.text(ecs::URL_FULL)) else { return };
    let text = original.clone();
    let mut start = 0;
    if let Some(colon) = text.find("://").filter(|colon| *colon <= 16 && is_scheme(&text[..*colon])) {
        fill(view, ecs::URL_SCHEME, &text, 0, colon);
        start = colon + 3;
        let authority_end = text[start..].find(['/', '?', '#']).map_or(text.len(), |end| start + end);
        authority(view, &text, start, authority_end);
        start = authority_end;
    } else if !text.starts_with('/') {
        // `host:443` of a CONNECT, `*` of an OPTIONS, or no URL at all.
        return;
    }
    let fragment = text[start..].find('#').map(|at| start + at);
    let end = fragment.unwrap_or(text.len());
    let query = text[start..end].find('?').map(|at| start + at);
    let path_end = query.unwrap_or(end);
    fill(view, ecs::URL_PATH, &text, start, path_end);
    if let Some(query) = query {
        fill(view, ecs::URL_QUERY, &text, query + 1, end);
    }
    if let Some(fragment) = fragment {
        fill(view, ecs::URL_FRAGMENT, &text, fragment + 1, text.len());
    }
    extension(view, ecs::URL_EXTENSION, &text, start, path_end);
}

#[expect(clippy::ptr_arg, reason = "whether the text is borrowed decides whether its parts are")]
fn authority(view: &mut View<'_, '_>, text: &Cow<'_, str>, mut start: usize, end: usize) {
    if let Some(at) = text[start..end].rfind('@') {
        let user_end = text[start..start + at].find(':').map_or(start + at, |colon| start + colon);
        let name = text[start..user_end].to_owned();
        if !name.is_empty() {
            view.fill(ecs::URL_USERNAME, Value::from(name));
        }
        start += at + 1;
    }
    let host_end = match text[start..end].rfind(':') {
        Some(colon) if !text[start + colon..end].contains(']') => start + colon,
        _ => end,
    };
    if let Some(port) = text.get(host_end + 1..end).and_then(|port| port.parse::<u16>().ok()) {
        view.fill(ecs::URL_PORT, Value::Int(i64::from(port)));
    }
    if host_end > start && !view.has(ecs::URL_DOMAIN) {
        let host = text[start..host_end].trim_start_matches('[').trim_end_matches(']').to_owned();
        view.set(ecs::URL_DOMAIN, Value::from(host));
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Fills a field with a part of a text, unless the part is empty or the field has a value.
#[expect(clippy::ptr_arg, reason = "whether the text is borrowed decides whether its parts are")]
fn fill<'a>(view: &mut View<'_, 'a>, field: Field, text: &Cow<'a, str>, start: usize, end: usize) {
    if start < end
        && !view.has(field)
        && let Some(part) = part(text, start, end)
    {
        view.set(field, Value::Text(part));
    }
}

/// The letters after the last dot of the last part of a path, up to ten.
#[expect(clippy::ptr_arg, reason = "whether the text is borrowed decides whether its parts are")]
fn extension<'a>(view: &mut View<'_, 'a>, field: Field, text: &Cow<'a, str>, start: usize, end: usize) {
    let Some(path) = text.get(start..end) else { return };
    let name_start = path.rfind(['/', '\\']).map_or(0, |slash| slash + 1);
    let Some(dot) = path[name_start..].rfind('.').filter(|dot| *dot > 0) else { return };
    let from = start + name_start + dot + 1;
    let is_extension =
        (1..=10).contains(&(end - from)) && text[from..end].bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_extension {
        fill(view, field, text, from, end);
    }
}

fn file(view: &mut View<'_, '_>) {
    let Some(path) = view.text(ecs::FILE_PATH).cloned() else { return };
    let name_start = name_start(&path);
    fill(view, ecs::FILE_NAME, &path, name_start, path.len());
    // The directory of `/passwd` is `/`, that of `C:\x` is `C:\`.
    let is_root = name_start <= 1 || path[..name_start].ends_with(":\\");
    let directory_end = if is_root { name_start } else { name_start - 1 };
    fill(view, ecs::FILE_DIRECTORY, &path, 0, directory_end);
    extension(view, ecs::FILE_EXTENSION, &path, 0, path.len());
}

fn process(view: &mut View<'_, '_>) {
    // Tags such as `/usr/sbin/cron[7]` name the program by its path.
    if let Some(name) = view.text(ecs::PROCESS_NAME).filter(|name| is_absolute(name)).cloned() {
        let start = name_start(&name);
        if let Some(file_name) = part(&name, start, name.len()).filter(|name| !name.is_empty()) {
            view.set(ecs::PROCESS_NAME, Value::Text(file_name));
            view.fill(ecs::PROCESS_EXECUTABLE, Value::Text(name));
        }
    }
    for (executable, name) in [
        (ecs::PROCESS_EXECUTABLE, ecs::PROCESS_NAME),
        (ecs::PROCESS_PARENT_EXECUTABLE, ecs::PROCESS_PARENT_NAME),
        (ecs::DLL_PATH, ecs::DLL_NAME),
    ] {
        if !view.has(name)
            && let Some(path) = view.text(executable).cloned()
        {
            fill(view, name, &path, name_start(&path), path.len());
        }
    }
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.get(1..3) == Some(":\\")
}

/// Returns where the last part of a path begins. A backslash separates only in paths that are of Windows.
fn name_start(path: &str) -> usize {
    let separators: &[char] = if path.starts_with('/') { &['/'] } else { &['/', '\\'] };
    path.rfind(separators).map_or(0, |slash| slash + 1)
}

/// Splits `DOMAIN\user`.
fn user(view: &mut View<'_, '_>, name: Field, domain: Field) {
    let Some(text) = view.text(name).filter(|text| text.contains('\\')).cloned() else { return };
    let Some(slash) = text.find('\\').filter(|slash| *slash > 0 && slash + 1 < text.len()) else { return };
    let bare_start = text[slash..].find(|c| c != '\\').map_or(text.len(), |skip| slash + skip);
    let Some(bare) = part(&text, bare_start, text.len()).filter(|bare| !bare.is_empty() && !bare.contains('\\')) else {
        return;
    };
    fill(view, domain, &text, 0, slash);
    view.set(name, Value::Text(bare));
}
