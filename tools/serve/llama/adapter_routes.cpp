// Lists of adapters, as llama.cpp's server has them.
#include "tools/serve/llama/adapter_routes.h"

#include "tools/serve/body.h"
#include "tools/serve/sampling_fields.h"

namespace hearth::serve {
namespace {

std::string model_asked(const Connection& connection, const Service& service) {
  const std::string model = connection.parameter("model");
  return model.empty() ? service.models.default_name() : model;
}

}  // namespace

boost::asio::awaitable<void> list_adapters(Connection& connection, Service& service) {
  Json list = Json::array();
  for (const AdapterFile& adapter : service.models.adapters(model_asked(connection, service)))
    list.push_back(
        {{"id", list.size()}, {"name", adapter.name}, {"path", adapter.path.string()}, {"scale", adapter.scale}});
  co_await connection.reply({200, to_text(list)});
}

boost::asio::awaitable<void> scale_adapters(Connection& connection, Service& service) {
  const Json body = co_await read_value(connection, service);
  if (!body.is_array()) throw invalid_request("the body must be an array of objects with id and scale");
  const std::string model = model_asked(connection, service);
  std::vector<float> scales(service.models.adapters(model).size());
  for (const AdapterUse& use : read_adapter_uses(body, "body")) {
    if (use.adapter >= scales.size())
      throw invalid_request("there is no adapter " + std::to_string(use.adapter) + "; the model has " +
                            std::to_string(scales.size()));
    scales[use.adapter] = use.scale;
  }
  service.models.set_adapter_scales(model, std::move(scales));
  co_await connection.reply({200, R"({"success":true})"});
}

}  // namespace hearth::serve
