//! Every key of every screen: none panics, none acts that should not, the palette runs what it names.

use crate::console::keys::key::Key;
use crate::console::keys::keymap::BINDINGS;
use crate::console::look::text::Lang;
use crate::console::look::theme::ThemeName;
use crate::console::model::Screen;
use crate::console::model::overlay::Overlay;
use crate::console::msg::Msg;
use crate::console::tests::fixtures::blank;
use crate::console::tests::fixtures::draw;
use crate::console::tests::fixtures::on;
use crate::console::tests::fixtures::press;
use crate::console::tests::fixtures::requests;
use crate::console::tests::fixtures::typed;
use crate::console::update::update;

fn all_keys() -> Vec<Key> {
    let mut keys: Vec<Key> = (' '..='~').chain(['đ', 'ư']).map(Key::Char).collect();
    keys.extend(('a'..='z').map(Key::Ctrl));
    keys.extend((1..=12).map(Key::Function));
    keys.extend(BINDINGS.iter().flat_map(|binding| binding.keys).copied());
    keys.extend([Key::Backspace, Key::Delete, Key::Left, Key::Right, Key::BackTab]);
    keys
}

#[test]
fn every_key_on_every_screen_with_and_without_data() {
    for screen in Screen::ALL {
        for key in all_keys() {
            for then in [Key::Enter, Key::Char('1'), Key::Esc, Key::Down, Key::Char('G')] {
                let mut empty = blank(Lang::Vi, (80, 24));
                empty.screen = screen;
                let mut model = on(screen);
                for model in [&mut empty, &mut model] {
                    press(model, key);
                    press(model, then);
                    draw(model);
                }
            }
        }
    }
}

#[test]
fn screens_language_theme_and_quit() {
    let mut model = on(Screen::Alerts);
    for (key, screen) in ('1'..='7').zip(Screen::ALL) {
        model.screen = Screen::Alerts;
        press(&mut model, Key::Char(key));
        assert_eq!(model.screen, screen);
        if screen == Screen::Search {
            press(&mut model, Key::Esc);
        }
    }
    model.screen = Screen::Alerts;
    press(&mut model, Key::Ctrl('l'));
    assert_eq!(model.lang, Lang::Vi);
    press(&mut model, Key::Ctrl('t'));
    assert_eq!(model.theme.name, ThemeName::HighContrast);
    typed(&mut model, "na draft");
    press(&mut model, Key::Ctrl('c'));
    assert!(!model.must_quit, "a draft is not thrown away");
    press(&mut model, Key::Esc);
    press(&mut model, Key::Char('q'));
    assert!(model.must_quit);
}

#[test]
fn an_input_methods_keys_trigger_nothing_outside_a_field() {
    let mut model = on(Screen::Alerts);
    for key in [Key::Backspace, Key::Char('đ'), Key::Backspace, Key::Char('ê'), Key::Char('ư')] {
        assert!(press(&mut model, key).is_empty(), "{key}");
    }
    assert!(model.overlay.is_none());
    typed(&mut model, "nd");
    press(&mut model, Key::Backspace);
    typed(&mut model, "đóng");
    assert!(matches!(&model.overlay, Some(Overlay::Line { input, .. }) if input.text() == "đóng"));
}

#[test]
fn help_is_searched_and_executed_without_accents() {
    let mut model = on(Screen::Alerts);
    typed(&mut model, "?nhan");
    let cmds = press(&mut model, Key::Enter);
    assert_eq!(requests(&cmds).len(), 1, "takes the alert");
    typed(&mut model, ":su co");
    press(&mut model, Key::Tab);
    press(&mut model, Key::Enter);
    assert_eq!(model.screen, Screen::Incidents);
}

#[test]
fn a_paste_is_never_a_command() {
    let mut model = on(Screen::Alerts);
    assert!(update(&mut model, Msg::Paste("c1\na\nq".to_owned())).is_empty());
    assert!(model.overlay.is_none() && !model.must_quit);
}

#[test]
fn clicks_hit_rows_screens_and_hints() {
    let mut model = on(Screen::Alerts);
    update(&mut model, Msg::Click(10, 6));
    assert_eq!(model.alerts.scroll.cursor, 2);
    let tab = crate::console::look::bars::tabs(&model)[1].clone();
    update(&mut model, Msg::Click(tab.x, tab.y));
    assert_eq!(model.screen, Screen::Incidents);
    for x in 0..80 {
        for y in 0..24 {
            update(&mut on(Screen::Alerts), Msg::Click(x, y));
        }
    }
}
