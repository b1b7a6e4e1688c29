// tools/deliver/texts.hpp — the texts themselves, as a table. A line with a variable that has no value is left out.
//
// Variables: {provider} {code} {link} {asked} {until} {due} {effective}.
#pragma once

#include "commands/names.hpp"

namespace daicho {

/// In one language.
struct Words {
  const char* subject;
  const char* mail;
  const char* brief;  ///< SMS or call; null for what only mail carries
};
struct Texts {
  fb::NotificationKind kind;
  Words japanese, english;
};
/// Of every kind; the reference lives as long as the program.
const Texts& texts_of(fb::NotificationKind kind);

}  // namespace daicho
