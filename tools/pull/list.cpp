// hearth list, show, rm: what is in the store.
#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "formats/byte_cursor.h"
#include "tools/audit/digest.h"
#include "tools/command.h"
#include "tools/store/model_name.h"
#include "tools/store/size_text.h"
#include "tools/store/store.h"

namespace hearth {
namespace {

using store::Entry;

nlohmann::ordered_json entry_json(const store::Store& store, const Entry& entry) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(to_json(entry));
  json.erase("version");
  json["size"] = entry.bytes();
  try {
    json["path"] = store.model_path(entry).string();
  } catch (const Error& error) {
    json["damaged"] = error.what();
  }
  return json;
}

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void complain(const std::vector<std::string>& damaged) {
  for (const std::string& line : damaged) std::cerr << "hearth: " + line + "\n";
}

void list_models(bool json) {
  const store::Store store;
  const store::Store::Listing listing = store.list();
  complain(listing.damaged);
  if (json) {
    auto list = nlohmann::ordered_json::array();
    for (const Entry& entry : listing.entries) list.push_back(entry_json(store, entry));
    std::cout << dumped(list);
    return;
  }
  using Row = std::array<std::string, 5>;
  std::vector<Row> rows = {{"NAME", "SIZE", "QUANTISATION", "ARCHITECTURE", "PULLED"}};
  for (const Entry& entry : listing.entries)
    rows.push_back({printable(entry.name), store::size_text(entry.bytes()), printable(entry.quantization),
                    printable(entry.architecture), printable(entry.pulled)});
  Row widest;
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      if (row[i].size() > widest[i].size()) widest[i] = row[i];
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widest[i].size() - row[i].size() + 2, ' ');
    std::cout << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

Entry find_entry(const store::Store& store, const std::string& name) {
  auto entry = store.find(name);
  if (!entry) throw UsageError("'" + name + "' is not in the store; `hearth list` shows what is");
  return *entry;
}

// Throws Error where a file does not have the hash that it is kept under.
void check_hashes(const store::Store& store, const Entry& entry) {
  store.model_path(entry);  // that all are there
  for (const store::StoredFile& file : entry.files) {
    const std::string hash = store.hash_of(file);
    if (hash != file.sha256)
      throw Error(ErrorCode::bad_model, entry.name + ": " + store.blob_path(file.sha256).string() +
                                            " was changed: its SHA-256 is now " + hash + "; `hearth rm " + entry.name +
                                            "` and pull it again");
  }
}

struct ShowOptions {
  std::string name;
  bool json = false, check = false, license = false;
};

void show_model(const ShowOptions& options) {
  const store::Store store;
  const Entry entry = find_entry(store, options.name);
  if (options.license) {
    for (const store::StoredFile& paper : entry.papers)
      if (paper.name == "license") std::cout << store.read_blob(paper) << '\n';
    return;
  }
  if (options.check) check_hashes(store, entry);
  if (options.json) {
    std::cout << dumped(entry_json(store, entry));
    return;
  }
  const auto line = [](const char* what, const std::string& text) {
    if (!text.empty()) std::printf("%-13s %s\n", what, printable(text, 4096).c_str());
  };
  line("name", entry.name);
  line("origin", entry.origin);
  line("size", store::size_text(entry.bytes()));
  line("architecture", entry.architecture);
  line("quantisation", entry.quantization);
  line("pulled", entry.pulled);
  line("path", store.model_path(entry).string());
  for (const store::StoredFile& file : entry.files)
    line("sha256", file.sha256 + "  " + file.name + (options.check ? "  checked again" : ""));
  if (!entry.vouched) line("", "nobody said that hash beforehand");
  for (const store::StoredFile& paper : entry.papers) {
    const std::string text = store.read_blob(paper);
    const std::string first = text.substr(0, std::min(text.find('\n', 1), size_t{200}));
    line(paper.name.c_str(), paper.name == "license" ? first + " ... (--license shows all)" : text.substr(0, 1000));
  }
  if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write to standard output");
}

void remove_models(const std::vector<std::string>& names, bool unused) {
  if (names.empty() != unused) throw UsageError("rm takes names of models, or --unused");
  const store::Store store;
  uint64_t freed = unused ? store.remove_unused() : 0;
  for (const std::string& name : names) freed += store.remove(name);
  std::cout << "freed " << store::size_text(freed) << '\n';
}

}  // namespace

void add_list(CLI::App& program) {
  const auto json = std::make_shared<bool>();
  CLI::App* command = program.add_subcommand("list", "The models in the store");
  command->add_flag("--json", *json, "As JSON");
  command->callback([=] { list_models(*json); });
}

void add_show(CLI::App& program) {
  const auto options = std::make_shared<ShowOptions>();
  CLI::App* command = program.add_subcommand("show", "Where a model of the store is from, and what came with it");
  command->add_option("NAME", options->name, "A name that `hearth list` shows")->required();
  command->add_flag("--json", options->json, "As JSON");
  command->add_flag("--check", options->check, "Compute the SHA-256 of its files again");
  command->add_flag("--license", options->license, "Print the licence that came with it");
  command->callback([=] { show_model(*options); });
}

void add_rm(CLI::App& program) {
  const auto names = std::make_shared<std::vector<std::string>>();
  const auto unused = std::make_shared<bool>();
  CLI::App* command = program.add_subcommand("rm", "Remove models from the store");
  command->add_option("NAME", *names, "Names that `hearth list` shows; what no other name uses goes with them");
  command->add_flag("--unused", *unused, "Remove what was begun and never finished, and what no name uses");
  command->callback([=] { remove_models(*names, *unused); });
}

}  // namespace hearth
